/** What axe-core, which knows the rules of WCAG, finds wrong with a page. @module */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** Serious and critical faults, each with the elements that have it. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>(
    // The zones to choose from are four hundred times the same.
    `axe.run({ exclude: ["option"] }, { resultTypes: ["violations"] })`,
  );
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** The demo's office: twenty people who come and go on workdays, as the front door's memory has them. @module */
import type { AifaceRecord } from "../../tests/support/fakes/devices.ts";
import { pastDays, type Present } from "./days.ts";
import { noise } from "./noise.ts";

export const PEOPLE = [
  "Ada Brandt",
  "Bo Lindqvist",
  "Chen Wei",
  "Dina Haddad",
  "Emeka Obi",
  "Farah Aziz",
  "Goran Babić",
  "Hana Sato",
  "Ivo Marek",
  "Jana Novak",
  "Kofi Mensah",
  "Lena Vogel",
  "Mateo Ruiz",
  "Nadia Petrova",
  "Omar Said",
  "Priya Nair",
  "Quentin Roy",
  "Rosa Bianchi",
  "Sven Dahl",
  "Tala Reyes",
] as const;

const HOUR_MS = 3_600_000;
const IN = 0;
const OUT = 1;

/** Every punch up to now, oldest first. */
export function pastPunches(present: Present): AifaceRecord[] {
  const clock = wallClock(present.timeZone);
  return pastDays(present).filter(({ isWeekend }) => !isWeekend).flatMap((day) => {
    const punches = PEOPLE.flatMap((name, index) => {
      const enrollid = index + 1;
      const chance = (salt: number) => noise(day.ago, enrollid, salt);
      if (chance(1) < 0.07) return [];
      const comes = 7.4 + noise(enrollid, 2) + 0.6 * chance(3);
      const goes = comes + 8 + 1.2 * chance(4);
      const lunch = 12 + 0.7 * chance(5);
      const steps: [hour: number, inout: number][] = [[comes, IN]];
      if (enrollid % 2 === 0) steps.push([lunch, OUT], [lunch + 0.5 + 0.3 * chance(6), IN]);
      // Now and then somebody forgets the way out.
      if (chance(7) > 0.015) steps.push([goes, OUT]);
      return steps.map(([hour, inout]) => ({
        at: Math.round(day.from + hour * HOUR_MS),
        punch: { enrollid, name, inout, mode: 8, event: 0 },
      }));
    });
    return punches.filter(({ at }) => at <= present.now).sort((a, b) => a.at - b.at)
      .map(({ at, punch }) => ({ ...punch, time: clock(at) }));
  });
}

/** A device's time: `2026-03-02 08:14:09`. */
export function wallClock(timeZone: string): (ms: number) => string {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  return (ms) => format.format(ms);
}

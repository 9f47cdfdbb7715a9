/** `clockblock schema supabase`: the SQL that the cloud's tables are made with. @module */
import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import { supabaseSchema } from "../../../agent.ts";
import type { Context } from "../../context.ts";

const supabase = buildCommand<NonNullable<unknown>, [], Context>({
  docs: { brief: "Print the SQL to run once in the SQL editor; again changes nothing" },
  parameters: {},
  async func() {
    this.io.stdout.write(await supabaseSchema());
  },
});

export const schemaCommand: RouteMap<Context> = buildRouteMap({
  routes: { supabase },
  docs: { brief: "What the cloud needs, as SQL" },
});

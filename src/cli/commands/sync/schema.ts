/** `clockblock schema supabase`: the SQL that the cloud's tables are made with. @module */
import { buildCommand, buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import { supabaseSchema } from "../../../agent.ts";
import type { Context } from "../../context.ts";

const supabase: Command<Context> = buildCommand<Record<never, never>, [], Context>({
  docs: { brief: "Print the SQL to run once in the SQL editor; again changes nothing" },
  parameters: {},
  async func() {
    this.io.stdout.write(await supabaseSchema());
  },
});

export const schema: RouteMap<Context> = buildRouteMap<"supabase", Context>({
  routes: { supabase },
  docs: { brief: "What the cloud needs, as SQL" },
});

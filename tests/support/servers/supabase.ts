/**
 * The Supabase remote on the cloud under test, as one of its users.
 * @module
 */
import {
  createSupabase,
  memoryTokenStore,
  type Supabase,
  type SupabaseRemoteOptions,
} from "../../../src/remotes/supabase/mod.ts";
import type { Cloud } from "./cloud.ts";

export function supabaseOn(cloud: Cloud, options: Partial<SupabaseRemoteOptions> = {}): Supabase {
  const { systemId = "pc-1" } = options;
  return createSupabase({
    url: cloud.url,
    key: cloud.key,
    email: cloud.alice.email,
    password: cloud.alice.password,
    systemId,
    deviceId: systemId,
    eventsTable: "zoe_events",
    healthTable: "zoe_health",
    tokens: memoryTokenStore(),
    ...options,
  });
}

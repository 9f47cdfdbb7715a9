/** Both sources of the page over one machine: a real agent with a past, and the real cloud it has synced to. @module */
import { createClient } from "@supabase/supabase-js";
import { agentCalls } from "../../../src/dashboard/live/api.ts";
import { agentSource } from "../../../src/dashboard/source/agent.ts";
import { supabaseSource } from "../../../src/dashboard/source/supabase.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { syncedMachine } from "../../support/machines/synced_machine.ts";
import { sourceContract } from "./source_contract.ts";

const cloud = await Cloud.start();
const machine = await syncedMachine(cloud);
const { past, agent } = machine;

const client = (url: string, token: string) =>
  createClient(url, cloud.key, {
    accessToken: () => Promise.resolve(token),
    db: { retry: false },
  });

sourceContract("The agent as a source", async () => {
  const token = await agent.token();
  const at = (url: string) =>
    agentSource(agentCalls((path, { headers, ...init }) =>
      fetch(url + path, {
        ...init,
        headers: { ...headers as Record<string, string>, authorization: `Bearer ${token}` },
      })
    ));
  return { ...past, source: at(agent.url), nowhere: at("http://127.0.0.1:1"), secrets: [token] };
});

sourceContract("The cloud as a source", async () => {
  const token = await cloud.token(cloud.alice);
  const { deviceId } = past;
  const at = (url: string) =>
    supabaseSource({ client: client(url, token), machine: { systemId: deviceId, deviceId } });
  return {
    ...past,
    source: at(cloud.url),
    nowhere: at("http://127.0.0.1:1"),
    secrets: [token, cloud.key],
  };
});

Deno.test.afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  await cloud[Symbol.asyncDispose]();
});

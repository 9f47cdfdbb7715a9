/** The people and the devices of attendance, for the views that list or choose among them. @module */
import type { DeviceReport, Person } from "../../contract/attendance.ts";
import { ask, askAll } from "./api.ts";
import { NAMES } from "../model/format.ts";
import { type Answer, type AnswerOptions, useAnswer } from "./hooks.ts";

const MAX_PEOPLE = 20_000;

/** By name; a person without a name by id. */
export function usePeople(): Answer<Person[]> {
  return useAnswer(
    async (signal) => {
      const people = await askAll<Person>("/people?limit=1000", { most: MAX_PEOPLE, signal });
      return people.sort((a, b) => NAMES.compare(a.name ?? a.person_id, b.name ?? b.person_id));
    },
    { topics: ["people"] },
  );
}

export function useDevices(options?: Pick<AnswerOptions, "keep">): Answer<DeviceReport[]> {
  return useAnswer((signal) => ask<DeviceReport[]>("/devices", { signal }), {
    topics: ["devices"],
    ...options,
  });
}

/** Corrections of punches over HTTP. @module */
import * as v from "valibot";
import { type Correction, correction, direction } from "../../contract/attendance.ts";
import {
  type Clock,
  instantOf,
  instantText,
  listing,
  msOf,
  pageQuery,
  Problem,
  type Route,
  route,
  STORING,
} from "../../core/mod.ts";
import type { Devices } from "./devices/registry.ts";
import { dayOrInstant, personId, serial, textAs } from "./params.ts";
import {
  type Author,
  type CorrectionPosition,
  CorrectionRefused,
  type Corrections,
} from "./storage/corrections.ts";
import type { People } from "./storage/people.ts";
import { Zone } from "./storage/time.ts";

export interface CorrectionRoutesOptions {
  corrections: Corrections;
  devices: Devices;
  people: People;
  clock: Clock;
  /** The zone of wall times where the device is not known. */
  timeZone: string;
}

/** The device of a punch that a person added without naming one. */
const MANUAL = "manual";
/** How far ahead of this machine a punch may be: clocks differ. */
const MAX_AHEAD_MS = 60_000;

const words = (what: string) =>
  v.pipe(
    v.string(`expected ${what}`),
    v.trim(),
    v.regex(/^[^\p{Cc}]{1,200}$/u, `expected ${what} of 1 to 200 characters`),
  );
const author = { reason: words("a reason"), by: words("who does it") };
const AT = "expected a time as 2026-03-02T12:00:00Z, or a wall time as 2026-03-02 17:30";
const WALL = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}(?::\d{2})?$/;

const body = v.pipe(
  v.variant("kind", [
    v.strictObject({
      kind: v.literal("add"),
      person_id: personId,
      at: v.pipe(
        v.string(AT),
        v.check((text) => WALL.test(text) || v.is(instantText(), text), AT),
      ),
      direction: v.optional(direction),
      device_sn: v.optional(serial),
      ...author,
    }),
    ...(["strike", "restore"] as const).map((kind) =>
      v.strictObject({
        kind: v.literal(kind),
        punch_id: v.pipe(v.string("expected the id of a punch"), v.minLength(1), v.maxLength(64)),
        ...author,
      })
    ),
  ], "expected kind to be add, strike or restore"),
  v.metadata({
    description:
      "a punch that is added, or one that is struck out or restored; who does it and why",
    examples: [
      {
        kind: "add",
        person_id: "1001",
        at: "2026-03-02 17:30",
        direction: "out",
        reason: "forgot",
        by: "Ann",
      },
      { kind: "strike", punch_id: "9f…", reason: "punched for another", by: "Ann" },
    ],
  }),
);

export function correctionRoutes(options: CorrectionRoutesOptions): Route[] {
  const { corrections, devices, people, clock, timeZone } = options;
  const tag = "attendance";

  async function add(
    { person_id, at, device_sn = MANUAL, direction = null }: {
      person_id: string;
      at: string;
      device_sn?: string | undefined;
      direction?: "in" | "out" | null | undefined;
    },
    author: Author,
  ): Promise<Correction> {
    const zone = devices.find(device_sn)?.zone ?? new Zone(timeZone);
    const given = WALL.test(at) ? zone.normalise(at) : zone.wallAt(Date.parse(at));
    if (given === undefined) throw invalid(`at: ${at} is no time of the calendar`);
    const now = clock.now();
    const read = zone.read(given, now);
    // In an hour that comes twice, an instant says which.
    const instant = WALL.test(at) ? read.at : instantOf(Math.floor(Date.parse(at) / 1_000) * 1_000);
    if (msOf(instant) > now + MAX_AHEAD_MS) throw invalid(`at: ${at} is in the future`);
    if (WALL.test(at) && read.suspect) {
      throw invalid(`at: ${at} cannot be right: it is before 2020, or no time of ${zone.name}`);
    }
    const punch = { sn: device_sn, personId: person_id, wall: given, at: instant, zone, direction };
    return await corrections.add(punch, author);
  }

  return [
    route({
      method: "GET",
      path: "/punches/corrections",
      summary: "Corrections of punches, by the time of the punch, newest first",
      tag,
      query: v.strictObject({
        ...pageQuery("before", position(), {
          limit: 200,
          max: 1_000,
          description: "where the page begins: from the Link header of the one before",
        }),
        person: v.optional(v.pipe(personId, v.description("of this person"))),
        from: v.optional(v.pipe(
          dayOrInstant(timeZone, "from"),
          v.description("of punches from this day of the devices' time zone, or this time, on"),
        )),
        to: v.optional(v.pipe(
          dayOrInstant(timeZone, "to"),
          v.description("to the end of this day, or before this time"),
        )),
      }),
      answer: v.array(correction),
      paged: true,
      handle: ({ query: { limit, before, person, from, to }, raw }) =>
        listing(raw, {
          limit,
          after: before,
          *read({ after: before, until }) {
            const ids = person === undefined ? undefined : people.idsOf(people.personOf(person));
            const found = corrections.list({ person: ids, from, to }, { before, until });
            for (const { at, correction } of found) yield { at, json: JSON.stringify(correction) };
          },
          next: ({ punchedAt, id }) => ({ before: `${punchedAt}.${id}` }),
        }),
    }),
    route({
      method: "POST",
      path: "/punches/corrections",
      summary: "Add a punch, strike one out, or restore it",
      tag,
      body,
      problems: {
        ...STORING,
        404: "There is no such punch.",
        409: "The punch is there already, is struck out already, or is not struck out.",
      },
      answer: correction,
      async handle({ body }) {
        const { by, reason } = body;
        try {
          return body.kind === "add"
            ? await add(body, { by, reason })
            : await corrections.decide(body.kind, body.punch_id, { by, reason });
        } catch (error) {
          if (!(error instanceof CorrectionRefused)) throw error;
          throw error.kind === "unknown"
            ? new Problem(404, "No such punch", { detail: error.message })
            : new Problem(409, "Punch cannot be corrected so", { detail: error.message });
        }
      },
    }),
  ];
}

function invalid(detail: string): Problem {
  return new Problem(400, "Invalid request", { detail });
}

function position(): v.GenericSchema<string, CorrectionPosition> {
  const WRITTEN = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z)\.([0-9a-f-]{36})$/;
  return textAs("expected what the link to the next page has", (text) => {
    const [, punchedAt = "", id] = WRITTEN.exec(text) ?? [];
    return id === undefined ? undefined : { punchedAt, id };
  });
}

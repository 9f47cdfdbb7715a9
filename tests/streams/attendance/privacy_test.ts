/** What devices send of people's looks and secrets reaches no file of the agent. @module */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { rawRequest } from "../../support/fakes/raw_wire.ts";
import { Relay } from "./relay.ts";

/** Stands for a photo or a template: neither is told by its length alone. */
const BLOB = "U0VDUkVU";
const NUMBER = "47114711";

/** Every file beside the database, as bytes. */
function everything(folder: string): string {
  let all = "";
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    all += isDirectory
      ? everything(path)
      : new TextDecoder("latin1").decode(Deno.readFileSync(path));
  }
  return all;
}

Deno.test("No photo, template, password or card number of any device reaches a file", async () => {
  await using relay = await Relay.start();
  const aiface = await relay.registered();
  const image = `data:image/jpeg;base64,${BLOB}`;
  const record = [{ enrollid: 7, time: "2026-10-05 09:15:30", image, cardno: NUMBER }];
  assert((await aiface.ask({ cmd: "sendlog", sn: "DEV1", count: 1, record }))?.result);
  const large = Array.from({ length: 400 }, (_, i) => ({ ...record[0], enrollid: 100 + i }));
  assert((await aiface.ask({ cmd: "sendlog", sn: "DEV1", count: 400, record: large }))?.result);
  for (
    const message of [
      { cmd: "senduser", enrollid: 7, name: "A", backupnum: 20, record: BLOB },
      { cmd: "senduser", enrollid: 7, name: "A", backupnum: 10, record: Number(NUMBER) },
      { cmd: "sendother", photo: BLOB, deep: { password: NUMBER, list: [{ fp: BLOB }] } },
    ]
  ) assert((await aiface.ask({ ...message, sn: "DEV1" }))?.result);
  await aiface.socket.send(`{"cmd":"senduser","sn":"DEV1","image":"${BLOB}","pwd":${NUMBER},,}`);
  assert(await aiface.silence());

  const iclock = relay.iclock();
  const tables: Record<string, string> = {
    OPERLOG: `USER PIN=1\tName=A\tPasswd=${NUMBER}\tCard=${NUMBER}\n` +
      `FP PIN=1\tFID=0\tSize=8\tValid=1\tTMP=${BLOB}\nBIOPHOTO PIN=1\tContent=${BLOB}\n`,
    USERINFO: `USER PIN=1\tPasswd=${NUMBER}\tCard=${NUMBER}\n`,
    FINGERTMP: `FP PIN=1\tTMP=${BLOB}\n`,
    BIODATA: `BIODATA Pin=1\tTmp=${BLOB}\n`,
    ATTPHOTO: `PIN=20261005091530-1.jpg\nSN=DEV1\nsize=8\nCMD=uploadphoto\0${BLOB}`,
    RTLOG: `time=2026-10-05 09:15:30\tpin=1001\tcardno=${NUMBER}\teventaddr=1\n`,
    TABLEDATA: `user uid=1\tcardno=${NUMBER}\tpin=1\tpassword=${NUMBER}\tname=A\n` +
      `templatev10 pin=1\ttemplate=${BLOB}\nuserpic pin=1\tcontent=${BLOB}\n`,
    SOMETHING: `card_no=${NUMBER}\tIDCard=${NUMBER}\tMTMP=${BLOB}\n`,
  };
  for (const [table, body] of Object.entries(tables)) {
    assert.match((await iclock.post(table, body)).body, /^OK: \d$/, table);
  }
  for (const name of ["fdata", "querydata", "registry"]) {
    const path = `/iclock/${name}?SN=DEV1&table=ATTPHOTO`;
    await rawRequest(relay.port, { method: "POST", path, body: `Card=${NUMBER}\tTMP=${BLOB}` });
  }
  assert.equal(relay.count("device_logs"), 401);
  assert.ok(relay.count("device_quarantine") > 3);
  const files = everything(dirname(relay.store.path));
  assert.match(files, /"enrollid":499/, "the large message is among them");
  assert.match(files, /templatev10/, "and what was not understood");
  assert(!files.includes(BLOB), "a photo or a template");
  assert(!files.includes(NUMBER), "a password or a card number");
});

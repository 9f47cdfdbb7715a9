import assert from "node:assert/strict";
import { nearest } from "../../src/config/mod.ts";

Deno.test("nearest finds the word that was meant, whatever its case and hyphens", () => {
  const words = ["api_host", "api_port", "db_path", "device_id"];
  assert.equal(nearest("api_prot", words), "api_port");
  assert.equal(nearest("api_post", words), "api_port");
  assert.equal(nearest("DbPath", words), "db_path");
  assert.equal(nearest("--device-id", words), "device_id");
});

Deno.test("nearest keeps silent when nothing is near", () => {
  assert.equal(nearest("colour", ["api_host", "db_path"]), undefined);
  assert.equal(nearest("", ["run"]), undefined);
});

/** The agent's `main.ts` on a runtime that cannot serve a single connection. @module */
import "./without_serve_connection.ts";
import "../../main.ts";

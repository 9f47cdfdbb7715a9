/** The plain HTTPS endpoint's door. @module */
export { createEndpoint, type EndpointOptions } from "./endpoint.ts";

// What travels between this page and the server. `openapi.ts` is generated from docs/openapi.json: `npm run types`.
export type * from "./openapi";

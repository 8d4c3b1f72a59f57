// The addresses of the client: every pane and screen has one.

export type Section =
  "profile" | "privacy" | "blocked" | "appearance" | "notifications" | "keyboard" | "password" | "devices";

export type Route =
  | { page: "list" }
  /** `seq`: a link to one message. */
  | { page: "thread"; threadId: string; seq: number | null; isInfo: boolean }
  | { page: "new" }
  | { page: "new_group" }
  | { page: "contacts" }
  | { page: "requests" }
  | { page: "person"; userId: string }
  | { page: "me"; section: Section | null };

const SECTIONS: readonly string[] = [
  "profile",
  "privacy",
  "blocked",
  "appearance",
  "notifications",
  "keyboard",
  "password",
  "devices",
] satisfies Section[];

const ID = /^[0-9a-z-]{1,64}$/;

/** Anything unknown is the list: an old link is no dead end. */
export function parse(path: string): Route {
  const [first = "", second = "", third, fourth] = path.split("/").filter((part) => part !== "");
  if (first === "t" && ID.test(second)) {
    const seq = third === "m" && /^[1-9][0-9]{0,15}$/.test(fourth ?? "") ? Number(fourth) : null;
    return { page: "thread", threadId: second, seq, isInfo: third === "info" };
  }
  if (first === "new") return { page: second === "group" ? "new_group" : "new" };
  if (first === "contacts" || first === "requests") return { page: first };
  if (first === "people" && ID.test(second)) return { page: "person", userId: second };
  if (first === "me") {
    return { page: "me", section: SECTIONS.includes(second) ? (second as Section) : null };
  }
  return { page: "list" };
}

export const to = {
  list: "/",
  new: "/new",
  newGroup: "/new/group",
  contacts: "/contacts",
  requests: "/requests",
  thread: (id: string) => `/t/${id}`,
  info: (id: string) => `/t/${id}/info`,
  message: (id: string, seq: number) => `/t/${id}/m/${seq}`,
  person: (id: string) => `/people/${id}`,
  me: (section?: Section) => (section ? `/me/${section}` : "/me"),
};

import { describe, expect, test } from "vitest";
import { parse, to } from "./address";

describe("addresses", () => {
  const id = "0197f0aa-1111-7000-8000-000000000001";

  test("every address that is made is understood", () => {
    expect(parse(to.list)).toEqual({ page: "list" });
    expect(parse(to.thread(id))).toEqual({ page: "thread", threadId: id, seq: null, isInfo: false });
    expect(parse(to.info(id))).toEqual({ page: "thread", threadId: id, seq: null, isInfo: true });
    expect(parse(to.message(id, 42))).toEqual({ page: "thread", threadId: id, seq: 42, isInfo: false });
    expect(parse(to.new)).toEqual({ page: "new" });
    expect(parse(to.newGroup)).toEqual({ page: "new_group" });
    expect(parse(to.contacts)).toEqual({ page: "contacts" });
    expect(parse(to.requests)).toEqual({ page: "requests" });
    expect(parse(to.person(id))).toEqual({ page: "person", userId: id });
    expect(parse(to.me())).toEqual({ page: "me", section: null });
    expect(parse(to.me("devices"))).toEqual({ page: "me", section: "devices" });
  });

  test.each(["/nothing", "/t", "/t/UPPER", "/t/a<b", "/people", "/index.html"])("%s is the list", (path) => {
    expect(parse(path)).toEqual({ page: "list" });
  });

  test("a seq that is none is left out", () => {
    expect(parse(`/t/${id}/m/0`)).toMatchObject({ page: "thread", seq: null });
    expect(parse(`/t/${id}/m/1e9`)).toMatchObject({ page: "thread", seq: null });
  });

  test("an unknown section is the list of the settings", () => {
    expect(parse("/me/nothing")).toEqual({ page: "me", section: null });
  });
});

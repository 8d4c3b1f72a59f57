// What the forms ask of a handle, name and password before the server does, and which field a refusal belongs to.

import { Refusal } from "../../api/refusal";
import { m } from "../../words/messages.js";
import { refusalWords } from "../refusal";

export type FieldName = "handle" | "password" | "display_name" | "form";
export type FieldErrors = Partial<Record<FieldName, string>>;

const HANDLE = /^[a-z][a-z0-9._-]{2,31}$/;
const PASSWORD_MIN_BYTES = 8;
const PASSWORD_MAX_BYTES = 1024;
const NAME_MAX_GRAPHEMES = 64;

/** The server refuses upper case; people type it. */
export function folded(handle: string): string {
  return handle.trim().replace(/^@/, "").toLowerCase();
}

export function signInErrors(form: { handle: string; password: string }): FieldErrors {
  const errors: FieldErrors = {};
  if (form.handle === "") errors.handle = m.session_error_handle_missing();
  if (form.password === "") errors.password = m.session_error_password_missing();
  return errors;
}

export function registerErrors(form: { handle: string; password: string; displayName: string }): FieldErrors {
  const errors: FieldErrors = {};
  if (!HANDLE.test(form.handle)) errors.handle = m.session_error_handle_form();
  const password = passwordError(form.password);
  if (password) errors.password = password;
  if (graphemes(form.displayName) > NAME_MAX_GRAPHEMES) errors.display_name = m.session_error_name();
  return errors;
}

export function passwordError(password: string): string | null {
  const bytes = new TextEncoder().encode(password).length;
  if (bytes < PASSWORD_MIN_BYTES) return m.session_error_password_short();
  return bytes > PASSWORD_MAX_BYTES ? m.session_error_password_long() : null;
}

export function graphemes(text: string): number {
  return [...new Intl.Segmenter().segment(text)].length;
}

export function refusalErrors(error: unknown): FieldErrors {
  if (error instanceof Refusal) {
    if (error.code === "unauthorized") return { password: m.session_error_wrong() };
    if (error.code === "handle_taken") return { handle: m.session_error_handle_taken() };
    if (error.code === "invalid_field") {
      if (error.field === "handle") return { handle: m.session_error_handle_form() };
      if (error.field === "password") return { password: m.session_error_password_short() };
      if (error.field === "display_name") return { display_name: m.session_error_name() };
    }
  }
  return { form: refusalWords(error) };
}

/** To the first field that has an error, in the order of the form. */
export function focusFirst(form: HTMLFormElement, errors: FieldErrors) {
  for (const input of form.querySelectorAll("input")) {
    if (errors[input.dataset["field"] as FieldName] !== undefined) {
      input.focus();
      return;
    }
  }
}

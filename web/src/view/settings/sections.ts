// The pages of the settings.

import { m } from "../../words/messages.js";
import type { IconName } from "../icon/icons";
import type { Section } from "../route.svelte";

export interface SectionEntry {
  id: Section;
  icon: IconName;
  label: () => string;
}

export const SECTIONS: readonly SectionEntry[] = [
  { id: "profile", icon: "person", label: m.people_profile },
  { id: "devices", icon: "desktop", label: m.people_devices },
  { id: "privacy", icon: "shield", label: m.people_privacy },
  { id: "blocked", icon: "block", label: m.people_blocked },
  { id: "password", icon: "lock", label: m.people_password },
  { id: "notifications", icon: "bell", label: m.people_notifications },
  { id: "appearance", icon: "appearance", label: m.people_appearance },
  { id: "keyboard", icon: "keyboard", label: m.people_keyboard },
];

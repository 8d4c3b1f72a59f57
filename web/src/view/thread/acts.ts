// What can be done with a message.

export type MessageAct = "menu" | "reply" | "react" | "edit" | "delete" | "copy" | "receipts";

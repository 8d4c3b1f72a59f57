// Which of the page's own dialogs is open.

export type DialogName = "palette" | "shortcuts";

class Dialogs {
  open: DialogName | null = $state.raw(null);

  toggle(name: DialogName) {
    this.open = this.open === name ? null : name;
  }

  close() {
    this.open = null;
  }
}

export const dialogs = new Dialogs();

//! The key map: one table, which the keys follow and which the help page prints.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where the keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    List,
    Compose,
    Message,
    People,
    Members,
    Devices,
    Search,
    Accounts,
    /// A page that is only read.
    Page,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Quit,
    Help,
    Back,
    OtherPane,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    NewLine,
    NewDirect,
    NewGroup,
    People,
    Devices,
    Search,
    Accounts,
    Pin,
    Mute,
    Archive,
    MarkUnread,
    Filter,
    Members,
    Reply,
    Edit,
    Delete,
    React,
    SeenBy,
    Ask,
    Accept,
    Remove,
    Block,
    Add,
    SetRole,
    Retitle,
    Leave,
    EndOthers,
    SignOut,
    NewProfile,
}

/// Keys, what they do, and how the help page says it.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) place: Place,
    presses: &'static [(KeyCode, KeyModifiers)],
    pub(super) act: Act,
    pub(super) keys: &'static str,
    pub(super) words: &'static str,
    /// It stands in the bottom line.
    pub(super) is_hint: bool,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

macro_rules! bindings {
    ($($place:ident { $($act:ident $keys:literal $words:literal [$($code:expr, $mods:ident);*] $hint:literal,)+ })+) => {
        /// All of them, in the order of the help page.
        pub(super) const MAP: &[Binding] = &[$($(Binding {
            place: Place::$place,
            presses: &[$(($code, $mods)),*],
            act: Act::$act,
            keys: $keys,
            words: $words,
            is_hint: $hint,
        },)+)+];
    };
}

use KeyCode::{BackTab, Char, End, Enter, Esc, F, Home, PageDown, PageUp, Tab};

bindings! {
    Anywhere {
        Help "F1" "this page; ? where nothing is written" [F(1), NONE] false,
        OtherPane "Tab" "between the list and the conversation" [Tab, NONE; BackTab, NONE] false,
        Back "Esc" "back" [Esc, NONE] false,
        Search "Ctrl-F" "search in what this device holds" [Char('f'), CONTROL] false,
        Quit "Ctrl-C" "leave; drafts and unsent texts stay" [Char('c'), CONTROL; Char('q'), CONTROL] false,
    }
    List {
        Open "Enter" "open" [Enter, NONE] true,
        NewDirect "n" "write to somebody" [Char('n'), NONE] true,
        NewGroup "g" "new group" [Char('g'), NONE] true,
        People "c" "contacts and requests" [Char('c'), NONE] true,
        Search "s, /" "search" [Char('s'), NONE; Char('/'), NONE] true,
        Help "?" "keys" [Char('?'), NONE] true,
        Devices "d" "your devices" [Char('d'), NONE] false,
        Accounts "a" "other accounts" [Char('a'), NONE] false,
        Filter "f" "all, unread or archived threads" [Char('f'), NONE] false,
        Members "i" "members of the thread" [Char('i'), NONE] false,
        Pin "p" "keep at the top, or not" [Char('p'), NONE] false,
        Mute "m" "no bell, or the bell again" [Char('m'), NONE] false,
        Archive "x" "archive, or back" [Char('x'), NONE] false,
        MarkUnread "u" "mark as unread" [Char('u'), NONE] false,
        Quit "q" "leave" [Char('q'), NONE] false,
        Up "k, ↑" "up" [Char('k'), NONE; KeyCode::Up, NONE] false,
        Down "j, ↓" "down" [Char('j'), NONE; KeyCode::Down, NONE] false,
        PageUp "PgUp" "a page up" [PageUp, NONE] false,
        PageDown "PgDn" "a page down" [PageDown, NONE] false,
        First "Home" "to the first" [Home, NONE] false,
        Last "End" "to the last" [End, NONE] false,
    }
    Compose {
        Open "Enter" "send" [Enter, NONE] true,
        NewLine "Alt-Enter" "new line; Ctrl-J too" [Enter, ALT; Char('j'), CONTROL; Enter, CONTROL] false,
        Up "↑" "choose a message" [KeyCode::Up, NONE] true,
        Down "↓" "a line down" [KeyCode::Down, NONE] false,
        PageUp "PgUp" "earlier" [PageUp, NONE] true,
        PageDown "PgDn" "later" [PageDown, NONE] false,
        Last "Ctrl-End" "to the newest" [End, CONTROL] false,
        Members "Ctrl-O" "who is in this thread" [Char('o'), CONTROL] true,
        Help "F1" "keys" [] true,
    }
    Message {
        Reply "r, Enter" "reply" [Char('r'), NONE; Enter, NONE] true,
        React "+" "react" [Char('+'), NONE; Char('='), NONE] true,
        Edit "e" "edit" [Char('e'), NONE] true,
        Delete "d" "take back" [Char('d'), NONE; KeyCode::Delete, NONE] true,
        SeenBy "i" "seen by" [Char('i'), NONE] true,
        Up "k, ↑" "the message before" [Char('k'), NONE; KeyCode::Up, NONE] false,
        Down "j, ↓" "the message after" [Char('j'), NONE; KeyCode::Down, NONE] false,
        PageUp "PgUp" "earlier" [PageUp, NONE] false,
        PageDown "PgDn" "later" [PageDown, NONE] false,
        Last "End" "to the newest" [End, NONE] false,
        Help "?" "keys" [Char('?'), NONE] false,
    }
    People {
        Open "Enter" "write" [Enter, NONE] true,
        Ask "n" "ask somebody" [Char('n'), NONE] true,
        Accept "a" "accept" [Char('a'), NONE] true,
        Remove "x" "decline, or remove" [Char('x'), NONE] true,
        Block "b" "block, or not" [Char('b'), NONE] true,
    }
    Members {
        Open "Enter" "write to" [Enter, NONE] true,
        Add "n" "add" [Char('n'), NONE; Char('+'), NONE] true,
        Remove "x" "remove" [Char('x'), NONE] true,
        SetRole "r" "role" [Char('r'), NONE] true,
        Retitle "t" "title" [Char('t'), NONE] true,
        Leave "l" "leave" [Char('l'), NONE] true,
    }
    Devices {
        Remove "x" "sign this device out" [Char('x'), NONE; Enter, NONE] true,
        EndOthers "o" "all others" [Char('o'), NONE] true,
        SignOut "q" "sign out here" [Char('q'), NONE] true,
    }
    Search {
        Open "Enter" "search, then open" [Enter, NONE] true,
        Up "↑" "up" [KeyCode::Up, NONE] false,
        Down "↓" "down" [KeyCode::Down, NONE] false,
    }
    Accounts {
        Open "Enter" "switch" [Enter, NONE] true,
        NewProfile "n" "another account" [Char('n'), NONE] true,
    }
    Page {
        Up "k, ↑" "up" [Char('k'), NONE; KeyCode::Up, NONE] false,
        Down "j, ↓" "down" [Char('j'), NONE; KeyCode::Down, NONE] false,
        PageUp "PgUp" "a page up" [PageUp, NONE] false,
        PageDown "PgDn" "a page down" [PageDown, NONE] false,
        First "Home" "to the first" [Home, NONE] false,
        Last "End" "to the last" [End, NONE] false,
        Help "?" "keys" [Char('?'), NONE] false,
    }
}

/// What this key does here, if anything.
pub(super) fn act(place: Place, key: KeyEvent) -> Option<Act> {
    // Shift is in the character already.
    let press = (key.code, key.modifiers - KeyModifiers::SHIFT);
    let bound = |place: Place| {
        let mut here = MAP.iter().filter(move |binding| binding.place == place);
        here.find(|binding| binding.presses.contains(&press))
    };
    let is_list = !matches!(
        place,
        Place::List | Place::Compose | Place::Message | Place::Search
    );
    bound(place)
        .or_else(|| is_list.then(|| bound(Place::Page)).flatten())
        .or_else(|| bound(Place::Anywhere))
        .map(|binding| binding.act)
}

/// What stands in the bottom line here.
pub(super) fn hints(place: Place) -> impl Iterator<Item = &'static Binding> {
    let is_here = move |binding: &&Binding| binding.place == place && binding.is_hint;
    let back = MAP.iter().filter(|binding| binding.act == Act::Back);
    // The list has nothing behind it.
    let back = back.filter(move |_| place != Place::List);
    MAP.iter().filter(is_here).chain(back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for binding in MAP {
            for press in binding.presses {
                let place = binding.place;
                let same = MAP.iter().filter(|other| other.place == place);
                let bound = same.filter(|other| other.presses.contains(press)).count();
                assert_eq!(bound, 1, "{press:?} in {place:?}");
            }
        }
    }

    #[test]
    fn letters_are_never_commands_where_texts_are_written() {
        for binding in MAP {
            if matches!(
                binding.place,
                Place::Compose | Place::Search | Place::Anywhere
            ) {
                for (code, modifiers) in binding.presses {
                    let letter = matches!(code, Char(_)) && modifiers.is_empty();
                    assert!(!letter, "{binding:?}");
                }
            }
        }
    }

    #[test]
    fn lists_share_their_keys_for_moving() {
        let down = KeyEvent::new(Char('j'), NONE);
        for place in [Place::People, Place::Members, Place::Devices, Place::Page] {
            assert_eq!(act(place, down), Some(Act::Down));
        }
        assert_eq!(act(Place::Search, down), None);
    }
}

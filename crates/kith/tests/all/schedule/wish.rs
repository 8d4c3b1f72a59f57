//! Wishes in the words of the sequencer.

use super::step::{Place, Wish};
use super::world::{GROUP, World};
use kith::thread::act::Act;
use kith_protocol::ClientMsgId;
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Settings, SettingsPatch, ThreadKind, WhoWrites};
use kith_store::log::Body;
use uuid::Uuid;

const EMOJI: [&str; 2] = ["👍", "🎉"];

impl World {
    /// A wish in the words of the sequencer; messages are looked for from the end of the log.
    pub(super) fn act(&self, place: Place, wish: Wish) -> Act {
        let last_seq = self.now().last_seq[place.thread];
        let back = |back: u64| last_seq.saturating_sub(back).max(1);
        let send = |body: Body, seen_back: u64| Act::Send {
            client_msg_id: self.next_id(),
            seen_head: last_seq.saturating_sub(seen_back * seen_back),
            kind: EntryKind::Text,
            body: Box::new(Body {
                text: Some(format!("words {}", self.asked.len())),
                ..body
            }),
        };
        let settings = |patch| Act::Settings(patch);
        match wish {
            Wish::Create => self.creation(place.thread),
            Wish::Send { seen_back } => send(Body::default(), seen_back),
            Wish::Reply { back: far } => send(
                Body {
                    reply_to: Some(back(far)),
                    ..Body::default()
                },
                0,
            ),
            Wish::Mention { user } => send(
                Body {
                    mentions: vec![self.users[user]],
                    ..Body::default()
                },
                0,
            ),
            Wish::MentionAll => send(
                Body {
                    mention_all: true,
                    ..Body::default()
                },
                0,
            ),
            Wish::Edit { back: far } => Act::Edit {
                client_msg_id: self.next_id(),
                seen_head: last_seq,
                target_seq: back(far),
                text: format!("edited {}", self.asked.len()),
            },
            Wish::Delete { back: far } => Act::Delete {
                client_msg_id: self.next_id(),
                seen_head: last_seq,
                target_seq: back(far),
            },
            Wish::React {
                back: far,
                emoji,
                set,
            } => Act::React {
                target_seq: back(far),
                emoji: EMOJI[emoji].to_owned(),
                set,
                is_set: false,
            },
            Wish::Add { user } => Act::Add(vec![self.users[user]]),
            Wish::Remove { user } => Act::Remove(self.users[user]),
            Wish::Leave => Act::Remove(self.users[place.user]),
            Wish::SetRole { user, role } => Act::SetRole(self.users[user], role),
            Wish::Title { number } => Act::Title(format!("title {number}")),
            Wish::Slow { slow_s } => settings(SettingsPatch {
                slow_s: Some(slow_s),
                ..SettingsPatch::default()
            }),
            Wish::AdminsWrite(only) => settings(SettingsPatch {
                who_writes: Some(if only {
                    WhoWrites::Admins
                } else {
                    WhoWrites::Everyone
                }),
                ..SettingsPatch::default()
            }),
            Wish::OpenHistory(open) => settings(SettingsPatch {
                open_history: Some(open),
                ..SettingsPatch::default()
            }),
        }
    }

    fn creation(&self, thread: usize) -> Act {
        let (kind, members) = match thread {
            GROUP => (ThreadKind::Group, &self.users[..3]),
            _ => (ThreadKind::Direct, &self.users[..2]),
        };
        Act::Create {
            kind,
            members: members.to_vec(),
            title: None,
            settings: Settings::default(),
        }
    }

    fn next_id(&self) -> ClientMsgId {
        ClientMsgId(Uuid::from_u128(1 + self.asked.len() as u128))
    }
}

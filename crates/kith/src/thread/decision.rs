//! Who may do what: turns a command into the entry to append, or into a refusal.
//!
//! A decision is only worth something together with the compare-and-append that follows it: that
//! nothing came between is what makes the membership checked here the current one.

use super::act::Act;
use super::changes::{Target, Targets};
use super::recent::Known;
use super::state::{ThreadState, is_present};
use crate::config::Config;
use crate::error::{Error, Result};
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Role, Settings, ThreadKind, WhoWrites};
use kith_protocol::{BadField, Timestamp, UserId};
use kith_store::log::{Body, EntryRow};
use kith_store::thread::MemberRow;
use std::collections::HashSet;

/// Different emoji on one message: more than anybody reads.
const REACTIONS_MAX: usize = 64;

/// Edits of one message: a deletion has to erase all of them.
const EDITS_MAX: usize = 256;
/// What is to be done about a command.
#[derive(Debug)]
pub enum Decision {
    /// Append this.
    Append(Box<EntryRow>),
    /// It was appended before: answer with the first entry, and publish it once more.
    Known(Known),
    /// It is so already: answer, append nothing; the seq of the entry that made it so, if asked for.
    Nothing(Option<u64>),
}

/// What decisions need beside the state.
pub struct Scene<'a> {
    /// Windows and sizes.
    pub config: &'a Config,
    /// Server time.
    pub now: Timestamp,
    /// Messages that the batch is about.
    pub targets: &'a Targets,
}
impl ThreadState {
    /// Decides about one act of `user`. First whether it is known (rule 2), then whether it is allowed.
    pub fn decide(&self, user: UserId, act: &Act, scene: &Scene<'_>) -> Result<Decision> {
        if let Act::Create {
            kind,
            members,
            title,
            settings,
        } = act
        {
            return Ok(self.decide_create(user, *kind, members, title, settings, scene));
        }
        let member = self.members.get(&user).ok_or(Error::NotFound)?;
        if let Some((client_msg_id, seen_head)) = act.key() {
            if seen_head > self.head.last_seq {
                return Err(BadField::invalid("seen_head", "is above the head").into());
            }
            if let Some(known) = self.client_ids.find(user, client_msg_id) {
                let same = act.is_kind(known.kind);
                return if same {
                    Ok(Decision::Known(known))
                } else {
                    Err(Error::Conflict(OTHER_KIND))
                };
            }
        }
        if !is_present(member) {
            return Err(Error::NotAMember);
        }
        match act {
            Act::Create { .. } => Err(Error::Internal("created twice")),
            Act::Send {
                client_msg_id,
                seen_head,
                kind,
                body,
            } => {
                self.may_write(member, scene)?;
                self.may_send(member, body, scene)?;
                let mut row = self.next(user, *kind, scene);
                row.client_msg_id = Some(*client_msg_id);
                row.ord += 1;
                row.read_moved = self.read_moves(member, *seen_head);
                row.body = (**body).clone();
                Ok(Decision::Append(Box::new(row)))
            }
            Act::Edit {
                client_msg_id,
                target_seq,
                text,
                ..
            } => {
                let target = self.target(member, *target_seq, scene)?;
                may_edit(member, target, scene)?;
                self.may_write(member, scene)?;
                let mut row = self.next(user, EntryKind::Edit, scene);
                row.client_msg_id = Some(*client_msg_id);
                row.body.target_seq = Some(*target_seq);
                row.body.text = Some(text.clone());
                Ok(Decision::Append(Box::new(row)))
            }
            Act::Delete {
                client_msg_id,
                target_seq,
                ..
            } => {
                let target = self.target(member, *target_seq, scene)?;
                may_delete(member, target, scene)?;
                if let Some(deleted_seq) = target.overlay.deleted_seq {
                    return Ok(Decision::Nothing(Some(deleted_seq)));
                }
                let mut row = self.next(user, EntryKind::Delete, scene);
                row.client_msg_id = Some(*client_msg_id);
                row.body.target_seq = Some(*target_seq);
                Ok(Decision::Append(Box::new(row)))
            }
            Act::React {
                target_seq,
                emoji,
                set,
                is_set,
            } => {
                let target = self.target(member, *target_seq, scene)?;
                self.decide_reaction(member, target, emoji, *set, *is_set, scene)
            }
            Act::Add(users) => self.decide_add(member, users, scene),
            Act::Remove(whom) if *whom == user => self.decide_leave(member, scene),
            Act::Remove(whom) => self.decide_remove(member, *whom, scene),
            Act::SetRole(whom, role) => self.decide_role(member, *whom, *role, scene),
            Act::Title(title) => {
                self.may_manage(member)?;
                if self.head.title.as_ref() == Some(title) {
                    return Ok(Decision::Nothing(None));
                }
                let mut row = self.next(user, EntryKind::Title, scene);
                row.body.title = Some(title.clone());
                Ok(Decision::Append(Box::new(row)))
            }
            Act::Settings(patch) => {
                self.may_manage(member)?;
                let settings = patch.on(&self.head.settings);
                if settings == self.head.settings {
                    return Ok(Decision::Nothing(None));
                }
                let mut row = self.next(user, EntryKind::Settings, scene);
                row.body.settings = Some(settings);
                Ok(Decision::Append(Box::new(row)))
            }
        }
    }

    /// The next entry of the log, still without what it says. Its time is not before the last one's.
    fn next(&self, author: UserId, kind: EntryKind, scene: &Scene<'_>) -> EntryRow {
        EntryRow {
            seq: self.head.last_seq + 1,
            kind,
            author,
            client_msg_id: None,
            ord: self.head.ord,
            at: scene.now.max(self.head.last_at),
            read_moved: false,
            erased: false,
            body: Body::default(),
        }
    }

    fn decide_create(
        &self,
        user: UserId,
        kind: ThreadKind,
        members: &[UserId],
        title: &Option<String>,
        settings: &Settings,
        scene: &Scene<'_>,
    ) -> Decision {
        if self.exists() {
            return Decision::Nothing(None);
        }
        let mut row = self.next(user, EntryKind::Created, scene);
        row.body.thread_kind = Some(kind);
        row.body.user_ids = members.to_vec();
        row.body.title.clone_from(title);
        row.body.settings = Some(settings.clone());
        Decision::Append(Box::new(row))
    }

    fn may_write(&self, member: &MemberRow, _: &Scene<'_>) -> Result<()> {
        if member.role == Role::Muted {
            return Err(Error::Forbidden("muted here"));
        }
        let admins_only = self.head.settings.who_writes == WhoWrites::Admins;
        if admins_only && member.role < Role::Admin && self.head.kind == ThreadKind::Group {
            return Err(Error::Forbidden("only owners and admins write here"));
        }
        match &self.direct {
            Some(relation) => relation.check(member.user),
            None => Ok(()),
        }
    }

    fn may_send(&self, member: &MemberRow, body: &Body, scene: &Scene<'_>) -> Result<()> {
        if let Some(reply_to) = body.reply_to {
            self.target(member, reply_to, scene)
                .map_err(|_| BadField::invalid("reply_to", "is no message that the caller sees"))?;
        }
        let group = self.head.kind == ThreadKind::Group;
        if body.mention_all && (!group || member.role < Role::Admin) {
            return Err(Error::Forbidden(
                "only owners and admins of a group name everybody",
            ));
        }
        let slow_ms = i64::from(self.head.settings.slow_s) * 1000;
        let waits = slow_ms > 0 && member.role < Role::Admin && member.last_own_at.0 > 0;
        let left_ms = member.last_own_at.0 + slow_ms - scene.now.0;
        if waits && left_ms > 0 {
            return Err(Error::RateLimited {
                retry_after_s: (left_ms as u64).div_ceil(1000),
            });
        }
        Ok(())
    }

    /// The message with this seq, if it is countable and the member sees it.
    fn target<'a>(&self, member: &MemberRow, seq: u64, scene: &'a Scene<'_>) -> Result<&'a Target> {
        let target = scene.targets.get(&seq).ok_or(Error::NotFound)?;
        let visible = super::sees(member, self.head.settings.open_history, seq);
        if visible && target.entry.kind.is_countable() {
            Ok(target)
        } else {
            Err(Error::NotFound)
        }
    }

    fn decide_reaction(
        &self,
        member: &MemberRow,
        target: &Target,
        emoji: &str,
        set: bool,
        is_set: bool,
        scene: &Scene<'_>,
    ) -> Result<Decision> {
        if target.overlay.deleted_seq.is_some() {
            return Err(Error::Conflict("the message was deleted"));
        }
        if set == is_set {
            return Ok(Decision::Nothing(None));
        }
        self.may_write(member, scene)?;
        let reactions = &target.overlay.reactions;
        let is_new = !reactions.iter().any(|(other, _)| other == emoji);
        if set && is_new && reactions.len() >= REACTIONS_MAX {
            return Err(Error::Conflict(
                "the message has 64 different emoji already",
            ));
        }
        let kind = if set {
            EntryKind::React
        } else {
            EntryKind::Unreact
        };
        let mut row = self.next(member.user, kind, scene);
        row.body.target_seq = Some(target.entry.seq);
        row.body.emoji = Some(emoji.to_owned());
        Ok(Decision::Append(Box::new(row)))
    }

    fn may_manage(&self, member: &MemberRow) -> Result<()> {
        if self.head.kind == ThreadKind::Direct {
            return Err(Error::Forbidden("a direct thread has no owner"));
        }
        if member.role < Role::Admin {
            return Err(Error::Forbidden("only owners and admins do this"));
        }
        Ok(())
    }

    fn decide_add(
        &self,
        member: &MemberRow,
        users: &[UserId],
        scene: &Scene<'_>,
    ) -> Result<Decision> {
        self.may_manage(member)?;
        let mut seen = HashSet::new();
        let new: Vec<_> = users
            .iter()
            .copied()
            .filter(|&user| self.present(user).is_none() && seen.insert(user))
            .collect();
        if new.is_empty() {
            return Ok(Decision::Nothing(None));
        }
        let max = scene.config.thread.group_max_members;
        if self.head.member_count as usize + new.len() > max {
            return Err(Error::GroupFull(max));
        }
        let mut row = self.next(member.user, EntryKind::MemberAdded, scene);
        row.body.user_ids = new;
        Ok(Decision::Append(Box::new(row)))
    }

    /// Rule 10: leaving and heir are one entry.
    fn decide_leave(&self, member: &MemberRow, scene: &Scene<'_>) -> Result<Decision> {
        if self.head.kind == ThreadKind::Direct {
            return Err(Error::Forbidden(
                "a direct thread cannot be left, only archived",
            ));
        }
        let mut row = self.next(member.user, EntryKind::MemberLeft, scene);
        row.body.user_ids = vec![member.user];
        row.body.heir = self.heir(member);
        Ok(Decision::Append(Box::new(row)))
    }

    /// Who owns the group once its last owner is gone: the longest-serving admin, else member.
    fn heir(&self, leaving: &MemberRow) -> Option<UserId> {
        let others = || {
            self.present_members()
                .filter(|other| other.user != leaving.user)
        };
        if leaving.role != Role::Owner || others().any(|other| other.role == Role::Owner) {
            return None;
        }
        let served =
            |other: &MemberRow| (other.stays.last().map(|stay| stay.joined_seq), other.user);
        let rank = |other: &MemberRow| match other.role {
            Role::Admin | Role::Owner => 0,
            Role::Member => 1,
            Role::Muted => 2,
        };
        others()
            .min_by_key(|other| (rank(other), served(other)))
            .map(|other| other.user)
    }

    fn decide_remove(
        &self,
        member: &MemberRow,
        whom: UserId,
        scene: &Scene<'_>,
    ) -> Result<Decision> {
        self.may_manage(member)?;
        let other = self.present(whom).ok_or(Error::NotFound)?;
        if other.role >= Role::Admin && member.role != Role::Owner {
            return Err(Error::Forbidden("only owners remove owners and admins"));
        }
        let mut row = self.next(member.user, EntryKind::MemberRemoved, scene);
        row.body.user_ids = vec![whom];
        Ok(Decision::Append(Box::new(row)))
    }

    fn decide_role(
        &self,
        member: &MemberRow,
        whom: UserId,
        role: Role,
        scene: &Scene<'_>,
    ) -> Result<Decision> {
        self.may_manage(member)?;
        let other = self.present(whom).ok_or(Error::NotFound)?;
        if (role >= Role::Admin || other.role >= Role::Admin) && member.role != Role::Owner {
            return Err(Error::Forbidden(
                "only owners make and unmake owners and admins",
            ));
        }
        if other.role == role {
            return Ok(Decision::Nothing(None));
        }
        let owners = self
            .present_members()
            .filter(|other| other.role == Role::Owner)
            .count();
        if other.role == Role::Owner && owners == 1 {
            return Err(Error::Forbidden("the last owner names another one first"));
        }
        let mut row = self.next(member.user, EntryKind::Role, scene);
        row.body.user_ids = vec![whom];
        row.body.role = Some(role);
        Ok(Decision::Append(Box::new(row)))
    }
}

const OTHER_KIND: &str = "this client_msg_id was used for another kind of entry";

fn may_edit(member: &MemberRow, target: &Target, scene: &Scene<'_>) -> Result<()> {
    if target.entry.author != member.user {
        return Err(Error::Forbidden("only its author edits a message"));
    }
    if target.overlay.deleted_seq.is_some() {
        return Err(Error::Conflict("the message was deleted"));
    }
    if target.entry.kind != EntryKind::Text {
        return Err(Error::Forbidden("only texts can be edited"));
    }
    if target.overlay.edit_seqs.len() >= EDITS_MAX {
        return Err(Error::Conflict("the message was edited 256 times already"));
    }
    within(
        scene.config.thread.edit_window_s,
        target,
        scene,
        "it is too late to edit this message",
    )
}

fn may_delete(member: &MemberRow, target: &Target, scene: &Scene<'_>) -> Result<()> {
    if member.role >= Role::Admin || target.overlay.deleted_seq.is_some() {
        let own = target.entry.author == member.user || member.role >= Role::Admin;
        return if own {
            Ok(())
        } else {
            Err(Error::Forbidden(NOT_YOURS))
        };
    }
    if target.entry.author != member.user {
        return Err(Error::Forbidden(NOT_YOURS));
    }
    within(
        scene.config.thread.delete_window_s,
        target,
        scene,
        "it is too late to delete this message",
    )
}

const NOT_YOURS: &str = "only its author, owners and admins delete a message";

fn within(window_s: u64, target: &Target, scene: &Scene<'_>, late: &'static str) -> Result<()> {
    let closes_at = target.entry.at.after_ms(window_s.saturating_mul(1000));
    if window_s > 0 && scene.now > closes_at {
        Err(Error::Forbidden(late))
    } else {
        Ok(())
    }
}

//! A thread as the model has it: its log, from which all else is read anew each time, and the few things that
//! are no entries.

use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{CreateThread, Role};
use kith_protocol::{ClientMsgId, ErrorCode, ThreadId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// One entry of the log, as the model has it; its seq is its place.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) kind: EntryKind,
    pub(super) author: usize,
    pub(super) id: Option<ClientMsgId>,
    pub(super) ord: u64,
    pub(super) at: Timestamp,
    pub(super) read_moved: bool,
    pub(super) text: Option<String>,
    pub(super) target: Option<u64>,
    pub(super) emoji: Option<&'static str>,
    pub(super) users: Vec<usize>,
    pub(super) mentions: Vec<usize>,
    pub(super) mentions_all: bool,
    pub(super) reply_to: Option<u64>,
    pub(super) role: Option<Role>,
    pub(super) heir: Option<usize>,
    pub(super) title: Option<String>,
    /// Seconds between two messages of a member, and whether admins alone write.
    pub(super) settings: Option<(u32, bool)>,
}

/// A thread: its log, and the marks, which are no entries.
pub(super) struct Room {
    pub(super) id: ThreadId,
    pub(super) direct: bool,
    pub(super) log: Vec<Line>,
    pub(super) read: BTreeMap<usize, u64>,
    pub(super) delivered: BTreeMap<usize, u64>,
    pub(super) mine: BTreeMap<usize, Private>,
    /// One of the two has blocked the other.
    pub(super) blocked: BTreeSet<usize>,
    /// What it was made with.
    pub(super) made: CreateThread,
}

/// What somebody privately has on a thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Private {
    pub(super) pinned: bool,
    pub(super) archived: bool,
    pub(super) muted_until: Option<Timestamp>,
    pub(super) marked_at: Option<u64>,
    pub(super) draft: Option<String>,
    pub(super) draft_version: u64,
}

impl Room {
    pub(super) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub(super) fn line(&self, seq: u64) -> &Line {
        &self.log[seq as usize - 1]
    }

    /// Lines with their seqs.
    pub(super) fn lines(&self) -> impl DoubleEndedIterator<Item = (u64, &Line)> {
        (1..).zip(&self.log).collect::<Vec<_>>().into_iter()
    }

    /// When somebody was a member: both ends included.
    pub(super) fn stays(&self, user: usize) -> Vec<(u64, Option<u64>)> {
        let mut stays: Vec<(u64, Option<u64>)> = Vec::new();
        for (seq, line) in self.lines().filter(|(_, line)| line.users.contains(&user)) {
            match line.kind {
                EntryKind::Created | EntryKind::MemberAdded => stays.push((seq, None)),
                EntryKind::MemberLeft | EntryKind::MemberRemoved => {
                    stays.last_mut().unwrap().1 = Some(seq);
                }
                _ => {}
            }
        }
        stays
    }

    pub(super) fn present(&self, user: usize) -> bool {
        matches!(self.stays(user).last(), Some((_, None)))
    }

    /// Why somebody may not do anything here.
    pub(super) fn closed_to(&self, user: usize) -> Option<ErrorCode> {
        match self.stays(user).last() {
            None => Some(ErrorCode::NotFound),
            Some((_, Some(_))) => Some(ErrorCode::NotAMember),
            Some((_, None)) => None,
        }
    }

    /// The role of a member; the last one of who is none any more.
    pub(super) fn role(&self, user: usize) -> Role {
        let mut role = Role::Member;
        for line in &self.log {
            let is_about = line.users.contains(&user);
            match line.kind {
                EntryKind::Created if !self.direct && line.author == user => role = Role::Owner,
                EntryKind::MemberAdded if is_about => role = Role::Member,
                EntryKind::MemberLeft if line.heir == Some(user) => role = Role::Owner,
                EntryKind::Role if is_about => role = line.role.unwrap(),
                _ => {}
            }
        }
        role
    }

    pub(super) fn members(&self) -> Vec<usize> {
        let all: BTreeSet<usize> = self
            .log
            .iter()
            .flat_map(|line| line.users.clone())
            .collect();
        all.into_iter().filter(|user| self.present(*user)).collect()
    }

    /// Who owns the room once this one has left.
    pub(super) fn heir(&self, leaving: usize, id: impl Fn(usize) -> UserId) -> Option<usize> {
        let mut others = self.members();
        others.retain(|other| *other != leaving);
        let owns = |user: &usize| self.role(*user) == Role::Owner;
        if !owns(&leaving) || others.iter().any(owns) {
            return None;
        }
        let rank = |user: &usize| {
            let joined = self.stays(*user).last().map(|(from, _)| *from);
            (std::cmp::Reverse(self.role(*user)), joined, id(*user))
        };
        others.into_iter().min_by_key(rank)
    }

    pub(super) fn title(&self) -> Option<&str> {
        let mut titles = self
            .log
            .iter()
            .rev()
            .filter_map(|line| line.title.as_deref());
        titles.next()
    }

    /// Seconds between two messages, and whether admins alone write.
    pub(super) fn settings(&self) -> (u32, bool) {
        let mut settings = self.log.iter().rev().filter_map(|line| line.settings);
        settings.next().unwrap_or_default()
    }

    /// Why a member may not write.
    pub(super) fn mute(&self, user: usize) -> Option<ErrorCode> {
        let role = self.role(user);
        if role == Role::Muted || (self.settings().1 && role < Role::Admin) {
            return Some(ErrorCode::Forbidden);
        }
        (!self.blocked.is_empty()).then_some(ErrorCode::Blocked)
    }

    /// Why a member may not send now.
    pub(super) fn slow(&self, user: usize, now: Timestamp) -> Option<ErrorCode> {
        let own = |line: &&Line| line.kind.is_countable() && line.author == user;
        let last = self.log.iter().rev().find(own)?;
        let free_at = last.at.after_ms(u64::from(self.settings().0) * 1000);
        (self.role(user) < Role::Admin && free_at > now).then_some(ErrorCode::RateLimited)
    }

    /// Why somebody may not manage the room.
    pub(super) fn unmanaged(&self, user: usize) -> Option<ErrorCode> {
        let may = !self.direct && self.role(user) >= Role::Admin;
        let forbidden = (!may).then_some(ErrorCode::Forbidden);
        self.closed_to(user).or(forbidden)
    }

    /// The last entry that somebody sees.
    pub(super) fn last_visible(&self, user: usize) -> u64 {
        let last = self.stays(user).last().and_then(|(_, left)| *left);
        last.unwrap_or(self.head())
    }

    pub(super) fn sees(&self, user: usize, seq: u64) -> bool {
        let stays = self.stays(user);
        let in_stay =
            |(from, to): &(u64, Option<u64>)| *from <= seq && to.is_none_or(|to| seq <= to);
        seq <= self.head() && stays.iter().any(in_stay)
    }

    /// The deletion of a message, among the first entries of the log.
    pub(super) fn deleted(&self, seq: u64, up_to: u64) -> Option<u64> {
        self.lines()
            .find(|(at, line)| {
                *at <= up_to && line.kind == EntryKind::Delete && line.target == Some(seq)
            })
            .map(|(at, _)| at)
    }

    /// The last edit of a message, among the first entries of the log.
    pub(super) fn edited(&self, seq: u64, up_to: u64) -> Option<u64> {
        self.lines()
            .rfind(|(at, line)| {
                *at <= up_to && line.kind == EntryKind::Edit && line.target == Some(seq)
            })
            .map(|(at, _)| at)
    }

    /// Who has put which emoji on a message.
    pub(super) fn reactions(&self, seq: u64, up_to: u64) -> BTreeSet<(&'static str, usize)> {
        let mut set = BTreeSet::new();
        for (at, line) in self.lines().filter(|(_, line)| line.target == Some(seq)) {
            let reaction = (line.emoji.unwrap_or_default(), line.author);
            match line.kind {
                _ if at > up_to => {}
                EntryKind::React => drop(set.insert(reaction)),
                EntryKind::Unreact => drop(set.remove(&reaction)),
                _ => {}
            }
        }
        set
    }

    /// The read mark: the newest of joining, own sends that moved it, and reading.
    pub(super) fn read_seq(&self, user: usize) -> u64 {
        let own = self
            .lines()
            .filter(|(_, line)| line.author == user && line.read_moved);
        let joined = self.stays(user).last().map_or(0, |(from, _)| *from);
        let sent = own.map(|(seq, _)| seq).max().unwrap_or_default();
        let read = self.read.get(&user).copied().unwrap_or_default();
        joined.max(sent).max(read)
    }

    pub(super) fn delivered_seq(&self, user: usize) -> u64 {
        let delivered = self.delivered.get(&user).copied().unwrap_or_default();
        self.read_seq(user).max(delivered)
    }

    /// Messages of others after the mark that were not taken back.
    pub(super) fn unread(&self, user: usize) -> Vec<u64> {
        let (read, last) = (self.read_seq(user), self.last_visible(user));
        let unread = self.lines().filter(|(seq, line)| {
            line.kind.is_countable()
                && line.author != user
                && (read + 1..=last).contains(seq)
                && self.deleted(*seq, last).is_none()
        });
        unread.map(|(seq, _)| seq).collect()
    }

    pub(super) fn mentions(&self, user: usize) -> usize {
        let unread = self.unread(user).into_iter();
        unread
            .filter(|seq| {
                let line = self.line(*seq);
                line.mentions_all || line.mentions.contains(&user)
            })
            .count()
    }

    /// Rule 5.
    pub(super) fn read_moves(&self, user: usize, seen_head: u64) -> bool {
        let foreign = self
            .lines()
            .rfind(|(_, line)| line.kind.is_countable() && line.author != user);
        let last_foreign = foreign.map_or(0, |(seq, _)| seq);
        last_foreign <= self.read_seq(user).max(seen_head)
    }

    /// When the thread came to its place in somebody's inbox.
    pub(super) fn at(&self, user: usize) -> Timestamp {
        let message = self
            .lines()
            .rfind(|(_, line)| line.kind.is_countable())
            .filter(|(seq, _)| self.sees(user, *seq));
        match message {
            Some((_, line)) => line.at,
            None => self.line(self.stays(user).last().unwrap().0).at,
        }
    }

    pub(super) fn ord(&self, up_to: u64) -> u64 {
        let messages = self
            .lines()
            .filter(|(seq, line)| *seq <= up_to && line.kind.is_countable());
        messages.count() as u64
    }

    /// Why somebody may not act on a message.
    pub(super) fn no_target(&self, user: usize, seq: u64) -> Option<ErrorCode> {
        self.closed_to(user).or_else(|| {
            let is_there = seq >= 1 && self.sees(user, seq) && self.line(seq).kind.is_countable();
            (!is_there).then_some(ErrorCode::NotFound)
        })
    }

    pub(super) fn append(&mut self, now: Timestamp, author: usize, kind: EntryKind) -> &mut Line {
        let ord = self.ord(self.head()) + u64::from(kind.is_countable());
        self.log.push(Line {
            kind,
            author,
            id: None,
            ord,
            at: now,
            read_moved: false,
            text: None,
            target: None,
            emoji: None,
            users: Vec::new(),
            mentions: Vec::new(),
            mentions_all: false,
            reply_to: None,
            role: None,
            heir: None,
            title: None,
            settings: None,
        });
        self.log.last_mut().unwrap()
    }
}

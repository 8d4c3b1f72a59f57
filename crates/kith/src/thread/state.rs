//! The fold: what the log says about a thread now, and which views an entry changes.

use super::changes::{Changes, Targets, fold_reaction, preview};
use super::recent::ClientIds;
use crate::error::Error;
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Role, Settings, ThreadKind};
use kith_protocol::{ThreadId, Timestamp, UserId};
use kith_store::log::{EntryRow, Span};
use kith_store::thread::{HeadRow, LastMessage, LeftView, MemberRow, ReadMark, Stay, ViewChange};
use kith_store::user_thread::ThreadPointer;
use kith_store::{Store, StoreError, StoreResult};
use rustc_hash::FxHashMap;
use uuid::Uuid;

/// Groups of up to this many are found by their members.
pub const PARTICIPANTS_MAX: usize = 100;

/// A thread that changes under so many reads is not read now.
const LOAD_TRIES_MAX: usize = 100;

/// Stands for everybody in the mentions view.
pub const EVERYBODY: UserId = UserId(Uuid::nil());

/// When a group's pushes change channels: over `max` to the thread's own, back below `return_at`.
#[derive(Clone, Copy, Debug)]
pub struct Width {
    /// Members that personal channels still serve.
    pub max: usize,
    /// Members below which they serve again.
    pub return_at: usize,
}

/// Everything about one thread that decisions need, as of `head.last_seq`.
#[derive(Debug)]
pub struct ThreadState {
    /// Which thread.
    pub thread: ThreadId,
    /// Where it stands; `last_seq` is 0 before entry 1.
    pub head: HeadRow,
    /// Present and past members.
    pub members: FxHashMap<UserId, MemberRow>,
    /// Read marks that were set by reading; joining and sending set `floor` in the member.
    pub read: FxHashMap<UserId, u64>,
    /// Client ids in the log.
    pub client_ids: ClientIds,
    /// Whether the two of a direct thread may write to each other; see `sequencer`.
    pub direct: Option<DirectRelation>,
    width: Width,
}

/// Who of a direct thread may write, as of two versions of what stands between them.
#[derive(Clone, Debug)]
pub struct DirectRelation {
    /// Versions of both users' relations when this was read.
    pub versions: [u64; 2],
    /// Why each of them may not write to the other.
    pub refusals: [(UserId, Option<Error>); 2],
}

impl DirectRelation {
    /// Whether this user may write.
    pub fn check(&self, user: UserId) -> crate::error::Result<()> {
        match self.refusals.iter().find(|(who, _)| *who == user) {
            Some((_, Some(refusal))) => Err(refusal.clone()),
            _ => Ok(()),
        }
    }
}
impl ThreadState {
    /// A thread without entries.
    pub fn empty(thread: ThreadId, width: Width) -> Self {
        let head = HeadRow {
            kind: ThreadKind::Group,
            creator: EVERYBODY,
            created_at: Timestamp(0),
            title: None,
            settings: Settings::default(),
            last_seq: 0,
            ord: 0,
            last_at: Timestamp(0),
            member_count: 0,
            membership_seq: 0,
            wide: false,
            last_message: None,
            last_other_seq: 0,
        };
        let members = FxHashMap::default();
        Self {
            thread,
            head,
            members,
            read: FxHashMap::default(),
            client_ids: ClientIds::default(),
            direct: None,
            width,
        }
    }

    /// Loads the views as of their seq, and folds in what the log has after it.
    pub async fn load(store: &dyn Store, thread: ThreadId, width: Width) -> StoreResult<Self> {
        let mut state = Self::empty(thread, width);
        if let Some((head, members)) = views(store, thread).await? {
            state.head = head;
            state.members = members.into_iter().map(|row| (row.user, row)).collect();
            let marks = store.marks(thread).await?;
            state.read = marks
                .into_iter()
                .map(|(user, mark)| (user, mark.read.seq))
                .collect();
        }
        state.client_ids = ClientIds::after(state.head.last_seq);
        state.catch_up(store).await?;
        Ok(state)
    }

    /// Folds in what others have appended since.
    pub async fn catch_up(&mut self, store: &dyn Store) -> StoreResult<()> {
        loop {
            let rows = store
                .entries(self.thread, Span::After(self.head.last_seq), 1000)
                .await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                self.fold(row, &mut Targets::default(), &mut Changes::default());
            }
        }
    }

    /// Whether entry 1 is there.
    pub fn exists(&self) -> bool {
        self.head.last_seq > 0
    }

    /// The row of somebody who is a member now.
    pub fn present(&self, user: UserId) -> Option<&MemberRow> {
        self.members.get(&user).filter(|member| is_present(member))
    }

    /// Everybody who is a member now.
    pub fn present_members(&self) -> impl Iterator<Item = &MemberRow> {
        self.members.values().filter(|member| is_present(member))
    }

    /// Notes that a user has read up to here.
    pub fn note_read(&mut self, user: UserId, seq: u64) {
        let read = self.read.entry(user).or_default();
        *read = seq.max(*read);
    }

    /// Rule 5: a send moves its author's mark only if no countable entry of somebody else, deleted
    /// or not, lies after what the author had read, or seen when sending.
    pub fn read_moves(&self, author: &MemberRow, seen_head: u64) -> bool {
        let last_foreign_seq = match &self.head.last_message {
            Some(last) if last.author != author.user => last.seq,
            _ => self.head.last_other_seq,
        };
        let read = self.read.get(&author.user).copied().unwrap_or_default();
        last_foreign_seq <= author.floor.seq.max(read).max(seen_head)
    }

    /// Rough size in memory, for the bound on all threads together.
    pub fn weight_bytes(&self) -> usize {
        size_of::<Self>()
            + self.members.capacity() * (size_of::<MemberRow>() + 48)
            + self.read.capacity() * (size_of::<(UserId, u64)>() + 1)
            + self.client_ids.weight_bytes()
    }

    /// Adds one entry, and notes which views it changes. Targets of edits, deletions and reactions
    /// are in `targets` when the views are to be written.
    pub fn fold(&mut self, entry: &EntryRow, targets: &mut Targets, changes: &mut Changes) {
        if entry.kind.is_membership() && changes.participants_before.is_none() {
            changes.participants_before = Some(self.indexed_participants());
        }
        self.head.last_seq = entry.seq;
        self.head.last_at = entry.at;
        self.head.ord = entry.ord;
        match entry.kind {
            EntryKind::Created => self.fold_created(entry, changes),
            EntryKind::Text | EntryKind::Media | EntryKind::Custom => {
                self.fold_message(entry, changes)
            }
            EntryKind::Edit => self.fold_edit(entry, targets, changes),
            EntryKind::Delete => self.fold_delete(entry, targets, changes),
            EntryKind::React | EntryKind::Unreact => fold_reaction(entry, targets, changes),
            EntryKind::MemberAdded => {
                for &user in &entry.body.user_ids {
                    self.join(user, Role::Member, entry, changes);
                }
            }
            EntryKind::MemberLeft | EntryKind::MemberRemoved => self.fold_leaving(entry, changes),
            EntryKind::Role => {
                for &user in &entry.body.user_ids {
                    self.set_role(user, entry.body.role.unwrap_or(Role::Member), changes);
                }
            }
            EntryKind::Title => self.head.title.clone_from(&entry.body.title),
            EntryKind::Settings => {
                self.head.settings = entry.body.settings.clone().unwrap_or_default();
            }
            EntryKind::Unknown => {}
        }
        if entry.kind.is_membership() {
            self.head.membership_seq = entry.seq;
            self.head.member_count = self.present_members().count() as u64;
            self.head.wide = self.is_wide();
        }
        if entry.client_msg_id.is_some() {
            self.client_ids.add(entry);
            if let Some(member) = self.members.get_mut(&entry.author) {
                member.last_own_seq = entry.seq;
                changes.members.insert(entry.author);
            }
        }
    }

    fn is_wide(&self) -> bool {
        let count = self.head.member_count as usize;
        match self.head.kind {
            ThreadKind::Live => true,
            ThreadKind::Direct => false,
            ThreadKind::Group if self.head.wide => count >= self.width.return_at,
            ThreadKind::Group => count > self.width.max,
        }
    }

    fn fold_created(&mut self, entry: &EntryRow, changes: &mut Changes) {
        self.head.kind = entry.body.thread_kind.unwrap_or(ThreadKind::Group);
        self.head.creator = entry.author;
        self.head.created_at = entry.at;
        self.head.title.clone_from(&entry.body.title);
        self.head.settings = entry.body.settings.clone().unwrap_or_default();
        for &user in &entry.body.user_ids {
            let owns = self.head.kind != ThreadKind::Direct && user == entry.author;
            let role = if owns { Role::Owner } else { Role::Member };
            self.join(user, role, entry, changes);
        }
    }

    fn fold_message(&mut self, entry: &EntryRow, changes: &mut Changes) {
        if let Some(last) = self
            .head
            .last_message
            .as_ref()
            .filter(|last| last.author != entry.author)
        {
            self.head.last_other_seq = last.seq;
        }
        self.head.last_message = Some(LastMessage {
            seq: entry.seq,
            at: entry.at,
            author: entry.author,
            kind: entry.kind,
            text: entry.body.text.as_deref().map(preview),
        });
        if let Some(author) = self.members.get_mut(&entry.author) {
            author.own_count += 1;
            author.last_own_at = entry.at;
            if entry.read_moved {
                author.floor = ReadMark {
                    seq: entry.seq,
                    ord: entry.ord,
                    own: author.own_count,
                };
            }
            changes.members.insert(entry.author);
        }
        self.mentions(entry, true, changes);
    }

    fn fold_edit(&mut self, entry: &EntryRow, targets: &mut Targets, changes: &mut Changes) {
        let Some(target_seq) = entry.body.target_seq else {
            return;
        };
        if let Some(last) = self
            .head
            .last_message
            .as_mut()
            .filter(|last| last.seq == target_seq)
        {
            last.text = entry.body.text.as_deref().map(preview);
        }
        if let Some(target) = targets.get_mut(&target_seq) {
            let overlay = &mut target.overlay;
            overlay.changed_seq = entry.seq;
            overlay.edited_seq = Some(entry.seq);
            overlay.text.clone_from(&entry.body.text);
            overlay.edit_seqs.push(entry.seq);
            changes.targets.insert(target_seq);
        }
    }

    fn fold_delete(&mut self, entry: &EntryRow, targets: &mut Targets, changes: &mut Changes) {
        let Some(target_seq) = entry.body.target_seq else {
            return;
        };
        if let Some(last) = self
            .head
            .last_message
            .as_mut()
            .filter(|last| last.seq == target_seq)
        {
            last.text = None;
        }
        if let Some(target) = targets.get_mut(&target_seq) {
            let overlay = &mut target.overlay;
            overlay.changed_seq = entry.seq;
            overlay.deleted_seq = Some(entry.seq);
            overlay.text = None;
            overlay.reactions.clear();
            changes.targets.insert(target_seq);
            changes.erase.push(target_seq);
            changes.erase.extend(&overlay.edit_seqs);
            let author = target.entry.author;
            changes.others.push(ViewChange::Deleted {
                target_seq,
                author,
                deleted_seq: entry.seq,
            });
            self.mentions(&target.entry, false, changes);
        }
    }

    /// Notes whom a message names: members, everybody, never its author.
    fn mentions(&self, entry: &EntryRow, set: bool, changes: &mut Changes) {
        let (seq, author) = (entry.seq, entry.author);
        let named = entry
            .body
            .mentions
            .iter()
            .copied()
            .filter(|user| self.members.contains_key(user));
        let everybody = entry.body.mention_all.then_some(EVERYBODY);
        for user in named.chain(everybody).filter(|&user| user != author) {
            changes.others.push(ViewChange::Mention {
                user,
                seq,
                author,
                set,
            });
        }
    }

    fn join(&mut self, user: UserId, role: Role, entry: &EntryRow, changes: &mut Changes) {
        let member = self.members.entry(user).or_insert_with(|| MemberRow {
            user,
            role,
            stays: Vec::with_capacity(1),
            joined_at: entry.at,
            own_count: 0,
            last_own_seq: 0,
            last_own_at: Timestamp(0),
            floor: ReadMark::default(),
            left: None,
        });
        if !member.stays.is_empty() && is_present(member) {
            return;
        }
        member.role = role;
        member.joined_at = entry.at;
        member.stays.push(Stay {
            joined_seq: entry.seq,
            left_seq: None,
        });
        member.floor = ReadMark {
            seq: entry.seq,
            ord: entry.ord,
            own: member.own_count,
        };
        member.left = None;
        changes.members.insert(user);
        let pointer = ThreadPointer {
            user,
            thread: self.thread,
        };
        changes.others.push(ViewChange::Pointer(pointer));
    }

    fn fold_leaving(&mut self, entry: &EntryRow, changes: &mut Changes) {
        for &user in &entry.body.user_ids {
            let left = LeftView {
                title: self.head.title.clone(),
                settings: self.head.settings.clone(),
                member_count: self.head.member_count.saturating_sub(1),
                ord: self.head.ord,
                last_message: self
                    .head
                    .last_message
                    .clone()
                    .map(|last| LastMessage { text: None, ..last }),
            };
            if let Some(member) = self
                .members
                .get_mut(&user)
                .filter(|member| is_present(member))
            {
                if let Some(stay) = member.stays.last_mut() {
                    stay.left_seq = Some(entry.seq);
                }
                member.left = Some(left);
                changes.members.insert(user);
            }
        }
        if let Some(heir) = entry.body.heir {
            self.set_role(heir, Role::Owner, changes);
        }
    }

    fn set_role(&mut self, user: UserId, role: Role, changes: &mut Changes) {
        if let Some(member) = self.members.get_mut(&user) {
            member.role = role;
            changes.members.insert(user);
        }
    }

    /// The members, sorted, if the group is to be found by them.
    fn indexed_participants(&self) -> Option<Vec<UserId>> {
        let found = self.exists()
            && self.head.kind == ThreadKind::Group
            && (1..=PARTICIPANTS_MAX).contains(&(self.head.member_count as usize));
        found.then(|| {
            let mut members: Vec<_> = self.present_members().map(|member| member.user).collect();
            members.sort_unstable();
            members
        })
    }

    /// The view changes of a batch that was folded in.
    pub fn views(&self, changes: &mut Changes, targets: &Targets) -> Vec<ViewChange> {
        let mut views = std::mem::take(&mut changes.others);
        views.push(ViewChange::Head(Box::new(self.head.clone())));
        let members = changes
            .members
            .iter()
            .filter_map(|user| self.members.get(user));
        views.extend(members.map(|member| ViewChange::Member(Box::new(member.clone()))));
        let touched = changes.targets.iter().filter_map(|seq| targets.get(seq));
        views.extend(touched.map(|target| ViewChange::Overlay(Box::new(target.overlay.clone()))));
        if let Some(before) = changes.participants_before.take() {
            let now = self.indexed_participants();
            if before != now {
                let created_at = self.head.created_at;
                views.push(ViewChange::Participants {
                    before,
                    now,
                    created_at,
                });
            }
        }
        views
    }
}

/// Head and members as of one seq. They are two reads: with members that are ahead of the head, what another
/// node appended in between would be folded in twice.
async fn views(
    store: &dyn Store,
    thread: ThreadId,
) -> StoreResult<Option<(HeadRow, Vec<MemberRow>)>> {
    let mut head = store.heads(&[thread]).await?.pop().flatten();
    for _ in 0..LOAD_TRIES_MAX {
        let Some(before) = head else {
            return Ok(None);
        };
        let members = store.members(thread).await?;
        head = store.heads(&[thread]).await?.pop().flatten();
        if head.as_ref() == Some(&before) {
            return Ok(Some((before, members)));
        }
    }
    let why = "a thread changed under every read";
    Err(StoreError::Unavailable(why.to_owned()))
}

/// Whether a member's last stay has not ended.
pub fn is_present(member: &MemberRow) -> bool {
    member
        .stays
        .last()
        .is_some_and(|stay| stay.left_seq.is_none())
}

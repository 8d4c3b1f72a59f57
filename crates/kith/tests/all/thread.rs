//! Threads: making and finding them, who may do what, and what members and ex-members see. Rules 8
//! to 10, and large groups.

use crate::support::talk::{
    DOORS, Door, Person, deletion, edit, entry, log, refused_field, row, text, texts,
};
use crate::support::{Server, refused};
use futures_util::future::join_all;
use kith_client::{Api, ClientError, Session, new_thread_id};
use kith_protocol::entry::{EntryKind, PageQuery, SendMessage};
use kith_protocol::presence::State;
use kith_protocol::sync::{SyncQuery, SyncThread};
use kith_protocol::thread::{
    CreateThread, History, PatchMine, PatchThread, Role, SettingsPatch, ThreadKind,
};
use kith_protocol::{ErrorCode, ThreadId, UserId};
use std::time::Duration;

fn making(kind: ThreadKind, participants: &[UserId]) -> CreateThread {
    CreateThread {
        kind,
        participants: participants.to_vec(),
        title: None,
        history: None,
        client_thread_id: new_thread_id(),
    }
}

fn title(title: &str) -> PatchThread {
    PatchThread {
        title: Some(title.to_owned()),
        settings: None,
    }
}

fn open(open_history: bool) -> PatchThread {
    PatchThread {
        title: None,
        settings: Some(SettingsPatch {
            open_history: Some(open_history),
            ..SettingsPatch::default()
        }),
    }
}

fn slow(slow_s: u32) -> PatchThread {
    PatchThread {
        title: None,
        settings: Some(SettingsPatch {
            slow_s: Some(slow_s),
            ..SettingsPatch::default()
        }),
    }
}

async fn seqs(api: &Api, thread: ThreadId) -> Vec<u64> {
    let log = log(api, thread).await;
    log.iter().map(|entry| entry.seq).collect()
}

async fn role_of(api: &Api, thread: ThreadId, user: UserId) -> Option<Role> {
    let members = api.members(thread).await.unwrap().items;
    let found = members.into_iter().find(|member| member.user.id == user);
    found.map(|member| member.role)
}

// Making and finding.

#[tokio::test]
async fn two_people_have_one_direct_thread_also_when_both_make_it_at_the_same_moment() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let makes = (0..20).map(|n| {
        let (maker, other) = if n % 2 == 0 { (&ann, &bo) } else { (&bo, &ann) };
        let body = serde_json::to_string(&making(ThreadKind::Direct, &[other.id()])).unwrap();
        maker.raw("POST", "/v1/threads", &[], body)
    });
    let answers = join_all(makes).await;
    let mut made = 0;
    for answer in answers {
        let answer = answer.unwrap();
        made += usize::from(answer.status == 201);
        assert!(answer.status == 200 || answer.status == 201);
        let row: kith_protocol::thread::InboxRow = answer.json().unwrap();
        assert_eq!(row.thread.id, ThreadId::direct(ann.id(), bo.id()));
    }
    assert_eq!(made, 1);
    let log = log(&ann, ThreadId::direct(ann.id(), bo.id())).await;
    assert_eq!((log.len(), log[0].kind), (1, EntryKind::Created));
    let thread = bo
        .thread(ThreadId::direct(ann.id(), bo.id()))
        .await
        .unwrap();
    assert_eq!(
        (thread.peer_id, thread.role),
        (Some(ann.id()), Role::Member)
    );
}

#[tokio::test]
async fn a_direct_thread_is_with_exactly_one_other_who_exists() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let cy = server.join("cyril").await;
    let nobody = UserId(uuid::Uuid::from_u128(7));
    let bad: [&[UserId]; 5] = [
        &[],
        &[ann.id()],
        &[bo.id(), cy.id()],
        &[nobody],
        &[ann.id(), ann.id()],
    ];
    for participants in bad {
        let made = ann
            .create_thread(&making(ThreadKind::Direct, participants))
            .await;
        assert_eq!(
            refused_field(made),
            (ErrorCode::InvalidField, "participants".into()),
            "{participants:?}"
        );
    }
    let mut titled = making(ThreadKind::Direct, &[bo.id()]);
    titled.title = Some("no".into());
    assert_eq!(
        refused(ann.create_thread(&titled).await),
        ErrorCode::InvalidField
    );
    let mut forgetful = making(ThreadKind::Group, &[bo.id()]);
    forgetful.history = Some(History::UntilDelivered);
    assert_eq!(
        refused(ann.create_thread(&forgetful).await),
        ErrorCode::InvalidField
    );
    let live = making(ThreadKind::Live, &[bo.id()]);
    assert_eq!(
        refused(ann.create_thread(&live).await),
        ErrorCode::InvalidField
    );
    assert!(crate::support::talk::inbox(&bo).await.is_empty());
}

#[tokio::test]
async fn one_client_thread_id_of_one_person_makes_one_group() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let request = making(ThreadKind::Group, &[bo.id(), bo.id(), ann.id()]);
    let body = serde_json::to_string(&request).unwrap();
    let makes = (0..12).map(|_| ann.raw("POST", "/v1/threads", &[], body.clone()));
    let answers: Vec<_> = join_all(makes)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let statuses = answers.iter().filter(|answer| answer.status == 201);
    assert_eq!(statuses.count(), 1);
    let ids: std::collections::HashSet<ThreadId> = answers
        .iter()
        .map(|answer| {
            answer
                .json::<kith_protocol::thread::InboxRow>()
                .unwrap()
                .thread
                .id
        })
        .collect();
    assert_eq!(ids.len(), 1);
    let mut other = request.clone();
    other.title = Some("contents differ".into());
    let again = ann.create_thread(&other).await.unwrap().thread;
    assert!(ids.contains(&again.id) && again.title.is_none() && again.member_count == 2);
    let of_bo = bo
        .create_thread(&making_with(&request, &[ann.id()]))
        .await
        .unwrap();
    assert!(
        !ids.contains(&of_bo.thread.id),
        "another caller, another group"
    );
    let third = ann.group("", &[bo.id()]).await;
    assert_eq!(refused(third), ErrorCode::InvalidField, "a blank title");
    let same_members = ann
        .create_thread(&making(ThreadKind::Group, &[bo.id()]))
        .await
        .unwrap();
    assert!(
        !ids.contains(&same_members.thread.id),
        "never merged by members"
    );
}

fn making_with(request: &CreateThread, participants: &[UserId]) -> CreateThread {
    CreateThread {
        participants: participants.to_vec(),
        ..request.clone()
    }
}

#[tokio::test]
async fn a_group_is_found_by_exactly_its_present_members_and_the_newest_wins() {
    let server = Server::start().await;
    let (ann, bo, cy) = (
        server.join("ann").await,
        server.join("boris").await,
        server.join("cyril").await,
    );
    let two = [ann.id(), bo.id()];
    let three = [cy.id(), ann.id(), bo.id()];
    let find = async |who: &Session, users: &[UserId]| {
        who.thread_by_participants(users)
            .await
            .map(|row| row.thread.id)
    };
    let not_found = ErrorCode::NotFound;
    assert_eq!(refused(find(&ann, &three).await), not_found);
    let first = ann
        .group("first", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    assert_eq!(find(&ann, &three).await.unwrap(), first);
    server.clock.advance(Duration::from_millis(5));
    let second = cy
        .group("second", &[bo.id(), ann.id()])
        .await
        .unwrap()
        .thread
        .id;
    for finder in [&ann, &bo, &cy] {
        assert_eq!(find(finder, &three).await.unwrap(), second);
    }
    assert_eq!(refused(find(&ann, &two).await), not_found);
    cy.remove_member(second, cy.id()).await.unwrap();
    assert_eq!(find(&ann, &three).await.unwrap(), first);
    assert_eq!(find(&ann, &two).await.unwrap(), second);
    let direct = ann.direct(bo.id()).await.unwrap().thread.id;
    assert_eq!(
        find(&bo, &two).await.unwrap(),
        direct,
        "the direct one first"
    );
    // Cyril owned the second one; it went to one of the two, who brings him back.
    let ann_owns = role_of(&ann, second, ann.id()).await == Some(Role::Owner);
    let heir = if ann_owns { &ann } else { &bo };
    heir.add_members(second, &[cy.id()]).await.unwrap();
    assert_eq!(find(&cy, &three).await.unwrap(), second);
    // Who asks about others, or garbage.
    assert_eq!(refused(find(&cy, &two).await), not_found);
    let garbage = ann
        .raw("GET", "/v1/threads/by-participants?users=x,y", &[], "")
        .await
        .unwrap();
    assert_eq!(garbage.problem().unwrap().code, ErrorCode::InvalidField);
}

// Title, settings, members.

#[tokio::test]
async fn titles_and_settings_are_entries_and_what_is_so_already_appends_nothing() {
    let server = Server::start().await;
    let (ann, mut bo) = (server.join("ann").await, server.person("boris").await);
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    assert_eq!(
        ann.patch_thread(room, &title("kitchen"))
            .await
            .unwrap()
            .title
            .as_deref(),
        Some("kitchen")
    );
    ann.patch_thread(room, &title("kitchen")).await.unwrap();
    let both = PatchThread {
        title: Some("hall".into()),
        ..slow(3)
    };
    let thread = ann.patch_thread(room, &both).await.unwrap();
    assert_eq!(
        (thread.title.as_deref(), thread.settings.slow_s),
        (Some("hall"), 3)
    );
    ann.patch_thread(room, &slow(3)).await.unwrap();
    ann.patch_thread(room, &PatchThread::default())
        .await
        .unwrap();
    let kinds: Vec<EntryKind> = log(&bo, room)
        .await
        .iter()
        .map(|entry| entry.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            EntryKind::Created,
            EntryKind::Title,
            EntryKind::Title,
            EntryKind::Settings
        ]
    );
    assert_eq!(bo.seqs(room).await, [1, 2, 3, 4]);
    for bad in [
        title(""),
        title(" \u{200b}"),
        title(&"x".repeat(129)),
        title("a\nb"),
        slow(86_401),
    ] {
        assert_eq!(
            refused(ann.patch_thread(room, &bad).await),
            ErrorCode::InvalidField
        );
    }
    let longest = "x".repeat(128);
    assert_eq!(
        ann.patch_thread(room, &title(&longest))
            .await
            .unwrap()
            .title,
        Some(longest)
    );
    // A bad half leaves the good half undone.
    let half = PatchThread {
        title: Some("half".into()),
        ..slow(86_401)
    };
    assert_eq!(
        refused(ann.patch_thread(room, &half).await),
        ErrorCode::InvalidField
    );
    assert_eq!(seqs(&bo, room).await.len(), 5);
}

#[tokio::test]
async fn adding_takes_who_is_not_there_yet_and_refuses_all_or_none() {
    let server = Server::with(|config| config.thread.group_max_members = 4).await;
    let (ann, bo, cy, di) = (
        server.join("ann").await,
        server.join("boris").await,
        server.join("cyril").await,
        server.join("dilara").await,
    );
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    ann.add_members(room, &[bo.id(), cy.id(), cy.id()])
        .await
        .unwrap();
    let added = entry(&bo, room, 2).await;
    assert_eq!(
        (added.kind, added.user_ids),
        (EntryKind::MemberAdded, vec![cy.id()])
    );
    ann.add_members(room, &[bo.id(), cy.id()]).await.unwrap();
    assert_eq!(seqs(&ann, room).await.len(), 2);
    let nobody = UserId(uuid::Uuid::from_u128(9));
    assert_eq!(
        refused(ann.add_members(room, &[di.id(), nobody]).await),
        ErrorCode::InvalidField
    );
    assert_eq!(
        refused(ann.add_members(room, &[]).await),
        ErrorCode::InvalidField
    );
    let many = vec![di.id(); 201];
    assert_eq!(
        refused(ann.add_members(room, &many).await),
        ErrorCode::InvalidField
    );
    let eve = server.join("evelyn").await;
    let both = [di.id(), eve.id()];
    assert_eq!(
        refused(ann.add_members(room, &both).await),
        ErrorCode::GroupFull
    );
    assert_eq!(refused(di.thread(room).await), ErrorCode::NotFound);
    ann.add_members(room, &[di.id()]).await.unwrap();
    assert_eq!(
        refused(ann.add_members(room, &[eve.id()]).await),
        ErrorCode::GroupFull
    );
    ann.remove_member(room, bo.id()).await.unwrap();
    ann.add_members(room, &[eve.id()]).await.unwrap();
    let four = [bo.id(), cy.id(), di.id(), eve.id()];
    assert_eq!(
        refused(ann.group("five", &four).await),
        ErrorCode::GroupFull
    );
    assert_eq!(
        ann.group("four", &four[..3])
            .await
            .unwrap()
            .thread
            .member_count,
        4
    );
    assert_eq!(
        refused(ann.remove_member(room, bo.id()).await),
        ErrorCode::NotFound
    );
    assert_eq!(
        refused(ann.set_role(room, bo.id(), Role::Admin).await),
        ErrorCode::NotFound
    );
}

/// What somebody may try in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    Write,
    Rename,
    Settings,
    Add,
    RemoveMember,
    MuteMember,
    Promote,
    MakeOwner,
    RemoveAdmin,
    DemoteAdmin,
    DeleteOfOthers,
    Leave,
    SeeMembers,
    SeeReceipts,
    MarkRead,
    Type,
    ReadEntries,
    Pin,
}

/// One group with somebody of every standing, as an index into `people`.
struct Cast {
    people: Vec<Session>,
    room: ThreadId,
    message: u64,
}

const OWNER: usize = 0;
const ADMIN: usize = 1;
const MEMBER: usize = 2;
const MUTED: usize = 3;
const EX: usize = 4;
const STRANGER: usize = 5;
const OTHER_MEMBER: usize = 6;
const OTHER_ADMIN: usize = 7;

impl Cast {
    async fn of(people: &[Session]) -> Self {
        let owner = &people[OWNER];
        let ids: Vec<UserId> = people.iter().map(Session::id).collect();
        let members = [
            ids[ADMIN],
            ids[MEMBER],
            ids[MUTED],
            ids[EX],
            ids[OTHER_MEMBER],
            ids[OTHER_ADMIN],
        ];
        let room = owner.group("room", &members).await.unwrap().thread.id;
        let message = people[OTHER_MEMBER]
            .send(room, text("x"))
            .await
            .unwrap()
            .seq;
        for admin in [ADMIN, OTHER_ADMIN] {
            owner.set_role(room, ids[admin], Role::Admin).await.unwrap();
        }
        owner.set_role(room, ids[MUTED], Role::Muted).await.unwrap();
        owner.remove_member(room, ids[EX]).await.unwrap();
        Self {
            people: people.to_vec(),
            room,
            message,
        }
    }

    async fn tried(&self, who: usize, what: Try) -> Result<(), ClientError> {
        let (api, room) = (&self.people[who], self.room);
        let id = |who: usize| self.people[who].id();
        match what {
            Try::Write => api.send(room, text("x")).await.map(drop),
            Try::Rename => api.patch_thread(room, &title("new")).await.map(drop),
            Try::Settings => api.patch_thread(room, &slow(1)).await.map(drop),
            Try::Add => api.add_members(room, &[id(EX)]).await,
            Try::RemoveMember => api.remove_member(room, id(OTHER_MEMBER)).await,
            Try::MuteMember => api.set_role(room, id(OTHER_MEMBER), Role::Muted).await,
            Try::Promote => api.set_role(room, id(OTHER_MEMBER), Role::Admin).await,
            Try::MakeOwner => api.set_role(room, id(OTHER_ADMIN), Role::Owner).await,
            Try::RemoveAdmin => api.remove_member(room, id(OTHER_ADMIN)).await,
            Try::DemoteAdmin => api.set_role(room, id(OTHER_ADMIN), Role::Member).await,
            Try::DeleteOfOthers => api.delete(room, self.message, deletion()).await.map(drop),
            Try::Leave => api.remove_member(room, api.id()).await,
            Try::SeeMembers => api.members(room).await.map(drop),
            Try::SeeReceipts => api.receipts(room, self.message).await.map(drop),
            Try::MarkRead => api.read(room, self.message).await.map(drop),
            Try::Type => api.typing(room, true).await,
            Try::ReadEntries => api.page(room, PageQuery::default()).await.map(drop),
            Try::Pin => {
                let pinned = PatchMine {
                    pinned: Some(true),
                    ..PatchMine::default()
                };
                api.patch_mine(room, &pinned).await.map(drop)
            }
        }
    }
}

#[tokio::test]
async fn everybody_may_do_what_the_table_of_roles_says() {
    let server = Server::start().await;
    let mut people = Vec::new();
    for handle in [
        "ann", "boris", "cyril", "dilara", "evelyn", "franz", "greta", "hanna",
    ] {
        people.push(server.join(handle).await);
    }
    let no = Some(ErrorCode::Forbidden);
    let gone = Some(ErrorCode::NotAMember);
    let unseen = Some(ErrorCode::NotFound);
    // Owner, admin, member, muted, ex-member, stranger; none is "may".
    let everybody = [None, None, None, None, gone, unseen];
    let managers = [None, None, no, no, gone, unseen];
    let owners = [None, no, no, no, gone, unseen];
    let table = [
        (Try::Write, [None, None, None, no, gone, unseen]),
        (Try::Rename, managers),
        (Try::Settings, managers),
        (Try::Add, managers),
        (Try::RemoveMember, managers),
        (Try::MuteMember, managers),
        (Try::DeleteOfOthers, managers),
        (Try::Promote, owners),
        (Try::MakeOwner, owners),
        (Try::RemoveAdmin, owners),
        (Try::DemoteAdmin, owners),
        (Try::Leave, everybody),
        (Try::SeeMembers, everybody),
        (Try::SeeReceipts, everybody),
        (Try::MarkRead, everybody),
        (Try::Type, everybody),
        (Try::ReadEntries, [None, None, None, None, None, unseen]),
        (Try::Pin, [None, None, None, None, None, unseen]),
    ];
    for (what, expected) in table {
        for who in [OWNER, ADMIN, MEMBER, MUTED, EX, STRANGER] {
            let cast = Cast::of(&people).await;
            let before = log(&people[OWNER], cast.room).await.len();
            let refusal = match cast.tried(who, what).await {
                Ok(()) => None,
                Err(error) => Some(error.code().expect("is a refusal")),
            };
            assert_eq!(refusal, expected[who], "{what:?} by person {who}");
            if refusal.is_some() {
                let after = log(&people[OWNER], cast.room).await.len();
                assert_eq!(before, after, "{what:?} by person {who}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_manages_a_direct_thread_or_leaves_it() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let cy = server.join("cyril").await;
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let no = ErrorCode::Forbidden;
    assert_eq!(refused(ann.patch_thread(room, &title("x")).await), no);
    assert_eq!(refused(ann.patch_thread(room, &slow(1)).await), no);
    assert_eq!(refused(ann.add_members(room, &[cy.id()]).await), no);
    assert_eq!(refused(ann.remove_member(room, bo.id()).await), no);
    assert_eq!(refused(ann.remove_member(room, ann.id()).await), no);
    assert_eq!(refused(ann.set_role(room, bo.id(), Role::Muted).await), no);
    assert_eq!(seqs(&ann, room).await, [1]);
}

// Rule 10.

#[tokio::test]
async fn the_last_owner_hands_over_to_the_longest_serving_admin_in_the_same_entry() {
    let server = Server::start().await;
    let (ann, bo, cy, di) = (
        server.join("ann").await,
        server.join("boris").await,
        server.join("cyril").await,
        server.join("dilara").await,
    );
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    ann.add_members(room, &[cy.id()]).await.unwrap();
    ann.add_members(room, &[di.id()]).await.unwrap();
    // Dilara was made admin first, but cyril has served longer; boris longest, but is no admin.
    for admin in [&di, &cy] {
        ann.set_role(room, admin.id(), Role::Admin).await.unwrap();
    }
    let no = ErrorCode::Forbidden;
    assert_eq!(
        refused(ann.set_role(room, ann.id(), Role::Admin).await),
        no,
        "the last owner"
    );
    ann.remove_member(room, ann.id()).await.unwrap();
    let log_of_bo = log(&bo, room).await;
    let left = log_of_bo.last().unwrap();
    assert_eq!(
        (left.kind, left.heir_id),
        (EntryKind::MemberLeft, Some(cy.id()))
    );
    assert_eq!(left.seq, 6);
    assert_eq!(role_of(&bo, room, cy.id()).await, Some(Role::Owner));
    // With a second owner nobody inherits.
    cy.set_role(room, di.id(), Role::Owner).await.unwrap();
    cy.remove_member(room, cy.id()).await.unwrap();
    assert_eq!(log(&bo, room).await.last().unwrap().heir_id, None);
    // No admin left: a member; and the muted only when there is nobody else.
    di.add_members(room, &[ann.id()]).await.unwrap();
    di.set_role(room, bo.id(), Role::Muted).await.unwrap();
    di.remove_member(room, di.id()).await.unwrap();
    assert_eq!(role_of(&bo, room, ann.id()).await, Some(Role::Owner));
    ann.remove_member(room, ann.id()).await.unwrap();
    assert_eq!(role_of(&bo, room, bo.id()).await, Some(Role::Owner));
    bo.send(room, text("alone")).await.unwrap();
    bo.remove_member(room, bo.id()).await.unwrap();
    assert_eq!(log(&bo, room).await.last().unwrap().heir_id, None);
}

#[tokio::test]
async fn two_owners_who_leave_at_the_same_moment_leave_an_owner_behind() {
    let server = Server::start().await;
    let (ann, bo, cy) = (
        server.join("ann").await,
        server.join("boris").await,
        server.join("cyril").await,
    );
    for _ in 0..5 {
        let room = ann
            .group("room", &[bo.id(), cy.id()])
            .await
            .unwrap()
            .thread
            .id;
        ann.set_role(room, bo.id(), Role::Owner).await.unwrap();
        let (one, two) = tokio::join!(
            ann.remove_member(room, ann.id()),
            bo.remove_member(room, bo.id())
        );
        one.unwrap();
        two.unwrap();
        assert_eq!(role_of(&cy, room, cy.id()).await, Some(Role::Owner));
    }
}

// Rules 8 and 9.

#[tokio::test]
async fn members_see_their_own_stays_with_both_ends_and_start_anew_on_each_join() {
    let server = Server::start().await;
    let (ann, mut bo) = (server.person("ann").await, server.person("boris").await);
    let cy = server.join("cyril").await;
    let room = ann.group("room", &[cy.id()]).await.unwrap().thread.id;
    for door in DOORS {
        ann.say(door, room, text("before")).await.unwrap();
    }
    ann.add_members(room, &[bo.id()]).await.unwrap(); // 4
    ann.send(room, text("first stay")).await.unwrap();
    ann.remove_member(room, bo.id()).await.unwrap(); // 6
    ann.send(room, text("away")).await.unwrap();
    assert_eq!(seqs(&bo, room).await, [4, 5, 6]);
    assert_eq!(
        bo.seqs(room).await,
        [4, 5, 6],
        "the removal is the last push"
    );
    ann.add_members(room, &[bo.id()]).await.unwrap(); // 8
    assert_eq!(seqs(&bo, room).await, [4, 5, 6, 8]);
    let mine = row(&bo, room).await;
    assert_eq!((mine.mine.read_seq, mine.mine.unread), (8, 0));
    assert_eq!(mine.thread.visible, [(4, Some(6)), (8, None)]);
    assert_eq!((mine.thread.joined_seq, mine.thread.gone), (8, None));
    assert_eq!(
        mine.head.preview.map(|preview| preview.seq),
        None,
        "the newest one is out of sight"
    );
    ann.send(room, text("second stay")).await.unwrap();
    bo.remove_member(room, bo.id()).await.unwrap(); // 10
    assert_eq!(bo.seqs(room).await, [8, 9, 10]);
    ann.add_members(room, &[bo.id()]).await.unwrap(); // 11
    assert_eq!(seqs(&bo, room).await, [4, 5, 6, 8, 9, 10, 11]);
    for hidden in [1, 2, 7] {
        assert_eq!(
            refused(bo.receipts(room, hidden).await),
            ErrorCode::NotFound
        );
        for door in DOORS {
            let reaction = bo.react_via(door, room, hidden, "👍", true).await;
            assert_eq!(refused(reaction), ErrorCode::NotFound);
        }
    }
    for (around, middle) in [(7, 6), (1, 4), (99, 11)] {
        let query = PageQuery {
            around: Some(around),
            limit: Some(1),
            ..PageQuery::default()
        };
        assert_eq!(bo.page(room, query).await.unwrap().items[0].seq, middle);
    }
    // What happened to an entry in sight while away is seen after coming back.
    ann.edit(room, 5, edit("edited")).await.unwrap();
    let shown = entry(&bo, room, 5).await;
    assert_eq!(shown.text.as_deref(), Some("edited"));
}

#[tokio::test]
async fn open_history_shows_members_the_past_as_long_as_it_is_open() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    let cy = server.join("cyril").await;
    let room = ann.group("room", &[cy.id()]).await.unwrap().thread.id;
    ann.send(room, text("past")).await.unwrap();
    ann.add_members(room, &[bo.id()]).await.unwrap(); // 3
    assert_eq!(seqs(&bo, room).await, [3]);
    ann.patch_thread(room, &open(true)).await.unwrap(); // 4
    assert_eq!(seqs(&bo, room).await, [1, 2, 3, 4]);
    assert_eq!(
        row(&bo, room).await.mine.unread,
        0,
        "the past is not unread"
    );
    assert_eq!(row(&bo, room).await.thread.visible, [(1, None)]);
    for door in DOORS {
        bo.react_via(door, room, 2, "👍", true).await.unwrap();
    }
    ann.patch_thread(room, &open(false)).await.unwrap(); // 6
    assert_eq!(seqs(&bo, room).await, [3, 4, 5, 6]);
    ann.patch_thread(room, &open(true)).await.unwrap(); // 7
    ann.remove_member(room, bo.id()).await.unwrap(); // 8
    ann.patch_thread(room, &open(false)).await.unwrap(); // 9
    assert_eq!(
        seqs(&bo, room).await,
        (1..=8).collect::<Vec<_>>(),
        "as it was on leaving"
    );
}

#[tokio::test]
async fn an_ex_member_keeps_what_was_and_touches_nothing() {
    let server = Server::start().await;
    let (ann, mut bo) = (server.join("ann").await, server.person("boris").await);
    let cy = server.join("cyril").await;
    let room = ann
        .group("room", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    let kept = ann.send(room, text("kept")).await.unwrap().seq;
    let doomed = ann.send(room, text("doomed")).await.unwrap().seq;
    let own = bo.send(room, text("own")).await.unwrap().seq;
    ann.remove_member(room, bo.id()).await.unwrap(); // 5
    bo.heard().await;
    ann.edit(room, kept, edit("later")).await.unwrap();
    ann.react(room, kept, "👍").await.unwrap();
    ann.delete(room, doomed, deletion()).await.unwrap();
    ann.patch_thread(room, &title("later")).await.unwrap();
    ann.add_members(room, &[server.join("dilara").await.id()])
        .await
        .unwrap();
    ann.send(room, text("later")).await.unwrap();
    assert!(bo.heard().await.is_empty(), "nothing is pushed any more");

    let gone = ErrorCode::NotAMember;
    for door in DOORS {
        assert_eq!(refused(bo.say(door, room, text("x")).await), gone);
        assert_eq!(refused(bo.amend(door, room, own, edit("x")).await), gone);
        assert_eq!(
            refused(bo.take_back(door, room, own, deletion()).await),
            gone
        );
        assert_eq!(
            refused(bo.react_via(door, room, kept, "👍", true).await),
            gone
        );
        assert_eq!(refused(bo.read_via(door, room, 2).await), gone);
        assert_eq!(refused(bo.delivered_via(door, room, 2).await), gone);
    }
    assert_eq!(refused(bo.socket.subscribe(room).await), gone);
    assert_eq!(refused(bo.add_members(room, &[bo.id()]).await), gone);

    let entries = log(&bo, room).await;
    assert_eq!(
        texts(&entries),
        ["kept", "own"],
        "a later edit is not seen, a later deletion empties"
    );
    let emptied = &entries[doomed as usize - 1];
    assert_eq!((emptied.text.as_deref(), emptied.deleted_seq), (None, None));
    assert!(entries[kept as usize - 1].reactions.is_empty());
    assert_eq!(entries.last().unwrap().kind, EntryKind::MemberRemoved);
    let page = bo.page(room, PageQuery::default()).await.unwrap();
    assert_eq!((page.as_of_seq, page.has_more_after), (5, false));

    let thread = bo.thread(room).await.unwrap();
    assert_eq!(
        (thread.title.as_deref(), thread.member_count),
        (Some("room"), 2)
    );
    assert_eq!((thread.gone, thread.left_seq), (Some(true), Some(5)));
    assert_eq!(thread.visible, [(1, Some(5))]);
    assert!(crate::support::talk::inbox(&bo).await.is_empty());
    let pinned = PatchMine {
        pinned: Some(true),
        ..PatchMine::default()
    };
    assert!(bo.patch_mine(room, &pinned).await.unwrap().pinned);
    let full = bo.sync(SyncQuery::default()).await.unwrap();
    assert!(
        !full
            .threads
            .iter()
            .any(|row| matches!(row, SyncThread::Row(_)))
    );
}

#[tokio::test]
async fn the_head_of_who_left_stands_still() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let request = making(ThreadKind::Group, &[bo.id()]);
    let room = ann.create_thread(&request).await.unwrap().thread.id;
    bo.send(room, text("unread")).await.unwrap();
    ann.remove_member(room, ann.id()).await.unwrap(); // 3
    // The request that made it finds it: that is the row of somebody who left.
    let before = ann.create_thread(&request).await.unwrap();
    for _ in 0..3 {
        bo.send(room, text("later")).await.unwrap();
    }
    bo.delete(room, 2, deletion()).await.unwrap();
    let after = ann.create_thread(&request).await.unwrap();
    assert_eq!((after.head.last_seq, after.head.ord), (3, 1));
    assert_eq!(after.head.at, before.head.at);
    assert_eq!((before.mine.unread, after.mine.unread), (1, 1));
    assert_eq!(after.thread.member_count, 1);
}

#[tokio::test]
async fn a_send_and_a_removal_at_the_same_moment_are_in_one_order() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.person("boris").await);
    for n in 0..12 {
        let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
        let message = text("close");
        let (sent, removed) = tokio::join!(
            bo.say(DOORS[n % 2], room, message.clone()),
            ann.remove_member(room, bo.id())
        );
        removed.unwrap();
        let entries = log(&ann, room).await;
        match sent {
            Ok(sent) => {
                assert_eq!(entries.len(), 3);
                assert_eq!(sent.seq, 2, "before the removal");
                let again = bo.say(Door::Http, room, message).await.unwrap();
                assert_eq!(again, sent);
            }
            Err(error) => {
                assert_eq!(error.code(), Some(ErrorCode::NotAMember));
                assert_eq!(entries.len(), 2);
            }
        }
    }
}

// Large groups.

async fn changed(api: &Api) -> Vec<(ThreadId, u64)> {
    let beat = kith_protocol::presence::Heartbeat {
        state: State::Online,
        friends_version: None,
    };
    let changed = api.heartbeat(&beat).await.unwrap().changed;
    changed
        .iter()
        .map(|changed| (changed.thread_id, changed.last_seq))
        .collect()
}

#[tokio::test]
async fn a_group_beyond_100_members_goes_to_its_own_channel_and_below_80_back() {
    let server = Server::start().await;
    let (ann, mut bo, mut cy) = (
        server.person("ann").await,
        server.person("boris").await,
        server.person("cyril").await,
    );
    let mut crowd = Vec::new();
    for n in 0..98 {
        crowd.push(server.join(&format!("crowd-{n}")).await.id());
    }
    let room = ann
        .group("room", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    ann.add_members(room, &crowd[..97]).await.unwrap(); // 2: 100 members
    cy.socket.subscribe(room).await.unwrap();
    bo.heard().await;
    cy.heard().await;
    for door in DOORS {
        ann.say(door, room, text("personal")).await.unwrap();
    }
    assert_eq!(bo.seqs(room).await, [3, 4]);
    assert_eq!(cy.seqs(room).await, [3, 4], "once, although subscribed");
    assert_eq!(changed(&bo).await, [], "it is not large");
    ann.add_members(room, &crowd[97..]).await.unwrap(); // 5: 101 members
    let crossing = bo.seqs(room).await;
    assert_eq!(
        crossing,
        [5],
        "who is not subscribed learns of the crossing"
    );
    assert!(cy.seqs(room).await.contains(&5));
    for door in DOORS {
        ann.say(door, room, text("wide")).await.unwrap();
    }
    assert_eq!(bo.seqs(room).await, Vec::<u64>::new());
    assert_eq!(cy.seqs(room).await, [6, 7]);
    assert_eq!(changed(&bo).await, [(room, 7)]);
    assert_eq!(changed(&bo).await, [], "told once");
    let mut named = text("boris!");
    named.mentions = vec![bo.id()];
    ann.say(Door::Socket, room, named).await.unwrap(); // 8
    assert_eq!(bo.seqs(room).await, [8], "who is named is told");
    assert_eq!(cy.seqs(room).await, [8]);
    assert_eq!(changed(&bo).await, [(room, 8)]);
    // Own sends come to all own sockets.
    let mut bo_too = server.device("boris").await;
    bo.say(Door::Socket, room, text("own")).await.unwrap(); // 9
    assert!(bo_too.seqs(room).await.contains(&9));
    assert!(bo.seqs(room).await.contains(&9));

    let mut last = 9;
    for (left, user) in crowd.iter().take(21).enumerate() {
        ann.remove_member(room, *user).await.unwrap();
        last += 1;
        assert_eq!(
            ann.thread(room).await.unwrap().member_count,
            100 - left as u64
        );
    }
    cy.heard().await;
    bo.heard().await;
    ann.say(Door::Http, room, text("still wide, at 80"))
        .await
        .unwrap();
    last += 1;
    assert_eq!(bo.seqs(room).await, Vec::<u64>::new());
    assert_eq!(cy.seqs(room).await, [last]);
    ann.remove_member(room, crowd[21]).await.unwrap();
    last += 1;
    assert_eq!(bo.seqs(room).await, [last], "the crossing comes to both");
    assert!(cy.seqs(room).await.contains(&last));
    for door in DOORS {
        ann.say(door, room, text("personal again")).await.unwrap();
    }
    assert_eq!(bo.seqs(room).await, [last + 1, last + 2]);
    assert_eq!(cy.seqs(room).await, [last + 1, last + 2]);
    changed(&bo).await;
    ann.send(room, text("x")).await.unwrap();
    assert_eq!(changed(&bo).await, [], "it is no longer large");
}

#[tokio::test]
async fn a_subscription_ends_with_the_membership() {
    let server = Server::with(|config| {
        config.thread.personal_channel_max_members = 2;
        config.thread.personal_channel_return_members = 2;
    })
    .await;
    let (ann, mut bo, mut cy) = (
        server.join("ann").await,
        server.person("boris").await,
        server.person("cyril").await,
    );
    let di = server.person("dilara").await;
    let room = ann
        .group("room", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    assert_eq!(
        refused(di.socket.subscribe(room).await),
        ErrorCode::NotFound
    );
    for person in [&bo, &cy] {
        person.socket.subscribe(room).await.unwrap();
    }
    ann.add_members(room, &[di.id()]).await.unwrap(); // 2
    ann.send(room, text("x")).await.unwrap(); // 3
    ann.remove_member(room, bo.id()).await.unwrap(); // 4
    ann.send(room, text("y")).await.unwrap(); // 5
    assert_eq!(bo.seqs(room).await, [1, 2, 3, 4]);
    assert_eq!(cy.seqs(room).await.last(), Some(&5));
    assert_eq!(
        refused(bo.socket.subscribe(room).await),
        ErrorCode::NotAMember
    );
    assert!(!changed(&bo).await.iter().any(|(thread, _)| *thread == room));
    // Coming back does not bring the old subscription back.
    ann.add_members(room, &[bo.id()]).await.unwrap(); // 6
    ann.send(room, text("z")).await.unwrap(); // 7
    assert_eq!(bo.seqs(room).await, [6]);
    assert_eq!(changed(&bo).await, [(room, 7)]);
}

#[tokio::test]
async fn who_has_both_channels_of_a_large_group_is_told_once() {
    let server = Server::with(|config| {
        config.thread.personal_channel_max_members = 2;
        config.thread.personal_channel_return_members = 2;
    })
    .await;
    let (mut ann, mut bo, mut cy) = (
        server.person("ann").await,
        server.person("boris").await,
        server.person("cyril").await,
    );
    let ids = [bo.id(), cy.id()];
    let room = ann.group("room", &ids).await.unwrap().thread.id; // 1
    let mut phone = server.device("ann").await;
    for person in [&ann, &bo, &phone] {
        person.socket.subscribe(room).await.unwrap();
    }
    let naming = |whom: &[UserId]| SendMessage {
        mentions: whom.to_vec(),
        ..text("it is for you")
    };
    ann.say(Door::Socket, room, text("x")).await.unwrap(); // 2
    bo.say(Door::Http, room, naming(&[ann.id()])).await.unwrap(); // 3
    bo.say(Door::Socket, room, naming(&ids)).await.unwrap(); // 4
    ann.patch_thread(room, &title("anew")).await.unwrap(); // 5
    assert_eq!(ann.seqs(room).await, [1, 2, 3, 4, 5]);
    assert_eq!(bo.seqs(room).await, [1, 2, 3, 4, 5]);
    assert_eq!(phone.seqs(room).await, [2, 3, 4, 5], "it came later");
    assert_eq!(cy.seqs(room).await, [1, 4], "it has subscribed nothing");
}

#[tokio::test]
async fn everybody_who_comes_into_a_large_group_hears_of_it() {
    let server = Server::with(|config| {
        config.thread.personal_channel_max_members = 2;
        config.thread.personal_channel_return_members = 2;
    })
    .await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let (cy, mut di) = (server.join("cyril").await, server.person("dilara").await);
    // Asked before there was any: the answer must not be remembered for ever.
    assert_eq!(changed(&di).await, []);
    let room = ann
        .group("room", &[bo.id(), cy.id()])
        .await
        .unwrap()
        .thread
        .id;
    ann.add_members(room, &[di.id()]).await.unwrap();
    assert_eq!(di.seqs(room).await, [2]);
    assert_eq!(changed(&di).await, [(room, 2)]);
    let of_person = |person: &Person| person.session.id();
    ann.remove_member(room, of_person(&di)).await.unwrap();
    assert_eq!(di.seqs(room).await, [3]);
    ann.send(room, text("x")).await.unwrap();
    assert_eq!(changed(&di).await, []);
}

#[tokio::test]
async fn somebody_who_is_named_in_a_large_group_hears_of_it_only_as_a_member() {
    let server = Server::with(|config| {
        config.thread.personal_channel_max_members = 2;
        config.thread.personal_channel_return_members = 2;
    });
    let server = server.await;
    let ann = server.join("ann").await;
    let (mut bo, mut cy) = (server.person("boris").await, server.person("cyril").await);
    let di = server.join("dilara").await;
    let others = [bo.id(), di.id()];
    let t = ann.group("tea", &others).await.unwrap().thread.id;
    bo.heard().await;
    let mut message = text("for you");
    message.mentions = vec![bo.id(), cy.id()];
    let seq = ann.send(t, message).await.unwrap().seq;
    assert_eq!(bo.seqs(t).await, [seq]);
    assert_eq!(cy.seqs(t).await, [0; 0], "who is no member hears nothing");
}

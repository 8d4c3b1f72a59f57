//! Which sessions make room for a new one.

use crate::config::{DeviceRule, Policy};
use kith_protocol::session::{DeviceKind, SESSIONS_MAX};
use kith_store::session::SessionRow;

/// Picks those that end so that one of `kind` may begin; the error has those that are in its way.
/// `live` is in id order, which is the order in which they began.
pub(super) fn make_room(
    rule: &DeviceRule,
    live: &[SessionRow],
    kind: DeviceKind,
    takeover: bool,
) -> Result<Vec<SessionRow>, Vec<SessionRow>> {
    let same: Vec<_> = live
        .iter()
        .filter(|session| session.kind == kind)
        .cloned()
        .collect();
    let mut ending = Vec::new();
    if rule.max > 0 && same.len() >= rule.max {
        match rule.policy {
            Policy::Refuse => return Err(same),
            Policy::Ask if !takeover => return Err(same),
            Policy::Ask | Policy::Replace => {
                let too_many = same.len() + 1 - rule.max;
                ending.extend(same.into_iter().take(too_many));
            }
        }
    }
    let mut rest: Vec<_> = live
        .iter()
        .filter(|session| !ending.contains(session))
        .collect();
    rest.sort_by_key(|session| (session.last_seen_at, session.id));
    let too_many = (rest.len() + 1).saturating_sub(SESSIONS_MAX);
    let least_used: Vec<_> = rest.into_iter().take(too_many).cloned().collect();
    ending.extend(least_used);
    Ok(ending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_protocol::{SessionId, Timestamp, UserId};
    use proptest::prelude::*;

    fn session(number: u8, kind: DeviceKind, last_seen_ms: i64) -> SessionRow {
        SessionRow {
            id: SessionId::from_bytes([number; 16]),
            user: UserId::from_bytes([1; 16]),
            token: [number; 32],
            kind,
            label: "x".into(),
            created_at: Timestamp(0),
            last_seen_at: Timestamp(last_seen_ms),
            expires_at: Timestamp(i64::MAX),
            address: String::new(),
        }
    }

    fn ids(sessions: &[SessionRow]) -> Vec<u8> {
        sessions
            .iter()
            .map(|session| session.id.bytes()[0])
            .collect()
    }

    const ONE: DeviceRule = DeviceRule {
        max: 1,
        policy: Policy::Replace,
    };
    const ANY: DeviceRule = DeviceRule {
        max: 0,
        policy: Policy::Replace,
    };

    #[test]
    fn a_second_phone_ends_the_first_and_nothing_else() {
        let live = [
            session(1, DeviceKind::Desktop, 0),
            session(2, DeviceKind::Phone, 5),
        ];
        assert_eq!(
            ids(&make_room(&ONE, &live, DeviceKind::Phone, false).unwrap()),
            [2]
        );
        assert!(
            make_room(&ANY, &live, DeviceKind::Phone, false)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn refuse_refuses_and_ask_can_be_overcome() {
        let live = [session(1, DeviceKind::Phone, 0)];
        for (policy, takeover, refused) in [
            (Policy::Refuse, false, true),
            (Policy::Refuse, true, true),
            (Policy::Ask, false, true),
            (Policy::Ask, true, false),
        ] {
            let rule = DeviceRule { max: 1, policy };
            let room = make_room(&rule, &live, DeviceKind::Phone, takeover);
            assert_eq!(room.is_err(), refused, "{policy:?} {takeover}");
            assert_eq!(ids(&room.unwrap_or_else(|sessions| sessions)), [1]);
        }
    }

    #[test]
    fn the_33rd_ends_the_least_recently_used() {
        let mut live: Vec<_> = (0..32).map(|n| session(n, DeviceKind::Web, 100)).collect();
        live[7].last_seen_at = Timestamp(50);
        assert_eq!(
            ids(&make_room(&ANY, &live, DeviceKind::Web, false).unwrap()),
            [7]
        );
        assert!(
            make_room(&ANY, &live[..31], DeviceKind::Web, false)
                .unwrap()
                .is_empty()
        );
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_allowed(
            kinds in prop::collection::vec(0_usize..3, 0..40),
            max in 0_usize..5,
        ) {
            let live: Vec<_> = (0_u8..).zip(&kinds)
                .map(|(n, &kind)| session(n, DeviceKind::ALL[kind], i64::from(n) * 7 % 13)).collect();
            let rule = DeviceRule { max, policy: Policy::Replace };
            let ending = make_room(&rule, &live, DeviceKind::Phone, false).unwrap();
            let stays = |s: &&SessionRow| !ending.contains(s);
            let phones = live.iter().filter(stays).filter(|s| s.kind == DeviceKind::Phone).count() + 1;
            prop_assert!(max == 0 || phones <= max);
            prop_assert!(live.iter().filter(stays).count() < SESSIONS_MAX);
        }
    }
}

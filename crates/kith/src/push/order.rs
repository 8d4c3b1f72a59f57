//! Rule 3: the sends of one connection to one thread stay in their order, also when one is refused
//! for now.

use crate::error::{Error, Result};
use kith_protocol::{ClientMsgId, ThreadId};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a connection's later sends wait for.
#[derive(Debug, Default)]
pub struct SendOrder {
    next_number: AtomicU64,
    /// Spares the lock while nothing was refused.
    any: AtomicBool,
    held: Mutex<FxHashMap<ThreadId, Held>>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    client_msg_id: ClientMsgId,
    number: u64,
}

/// The place of one send among those of its connection.
#[derive(Clone, Debug)]
pub struct Place {
    order: Arc<SendOrder>,
    thread: ThreadId,
    number: u64,
}

impl SendOrder {
    /// The place of the next send.
    pub fn next(self: &Arc<Self>, thread: ThreadId) -> Place {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        Place {
            order: Arc::clone(self),
            thread,
            number,
        }
    }

    /// The user gave a refused send up.
    pub fn forget(&self, client_msg_id: ClientMsgId) {
        self.held
            .lock()
            .retain(|_, held| held.client_msg_id != client_msg_id);
    }
}

impl Place {
    /// Refuses a send while an earlier one of its connection waits to be sent again.
    pub fn check(&self, thread: ThreadId, client_msg_id: ClientMsgId) -> Result<()> {
        if !self.order.any.load(Ordering::Acquire) {
            return Ok(());
        }
        match self.order.held.lock().get(&thread) {
            Some(held) if held.client_msg_id != client_msg_id && held.number < self.number => {
                Err(Error::OutOfOrder)
            }
            _ => Ok(()),
        }
    }

    /// Notes what became of the send: refused for now, it holds up later ones; else it no longer does.
    pub fn settle(&self, client_msg_id: ClientMsgId, refusal: Option<&Error>) {
        let waits = refusal.is_some_and(Error::is_retryable);
        if !waits && !self.order.any.load(Ordering::Acquire) {
            return;
        }
        let mut held = self.order.held.lock();
        if !waits {
            if held
                .get(&self.thread)
                .is_some_and(|held| held.client_msg_id == client_msg_id)
            {
                held.remove(&self.thread);
            }
            return;
        }
        self.order.any.store(true, Ordering::Release);
        let refused = Held {
            client_msg_id,
            number: self.number,
        };
        // Refusals may overtake each other on their way; the earliest send is the one that comes first.
        let first = held.entry(self.thread).or_insert(refused);
        if refused.number < first.number {
            *first = refused;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> ClientMsgId {
        ClientMsgId(Uuid::from_u128(n))
    }

    #[test]
    fn later_sends_wait_until_the_refused_one_is_settled() {
        let (order, thread) = (Arc::new(SendOrder::default()), ThreadId(Uuid::from_u128(7)));
        let [first, second, third] = [0, 1, 2].map(|_| order.next(thread));
        second.settle(id(2), Some(&Error::RateLimited { retry_after_s: 1 }));
        assert!(
            first.check(thread, id(1)).is_ok(),
            "an earlier one does not wait"
        );
        assert!(third.check(thread, id(3)).is_err());
        third.settle(id(3), Some(&Error::OutOfOrder));
        assert!(
            order.next(thread).check(thread, id(2)).is_ok(),
            "the refused one may come again"
        );
        order.next(thread).settle(id(2), None);
        assert!(order.next(thread).check(thread, id(3)).is_ok());
        order
            .next(thread)
            .settle(id(4), Some(&Error::Overloaded("full")));
        order.forget(id(4));
        assert!(order.next(thread).check(thread, id(5)).is_ok());
    }

    #[test]
    fn of_two_refused_sends_the_earlier_one_comes_first_whichever_was_refused_first() {
        let (order, thread) = (Arc::new(SendOrder::default()), ThreadId(Uuid::from_u128(7)));
        let [first, second] = [0, 1].map(|_| order.next(thread));
        let refusal = Error::Overloaded("full");
        second.settle(id(2), Some(&refusal));
        first.settle(id(1), Some(&refusal));
        assert!(order.next(thread).check(thread, id(2)).is_err());
        let again = order.next(thread);
        assert!(again.check(thread, id(1)).is_ok());
        again.settle(id(1), None);
        assert!(order.next(thread).check(thread, id(2)).is_ok());
    }
}

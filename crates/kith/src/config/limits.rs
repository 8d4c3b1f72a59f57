//! `[limits]`: how often somebody may do something.

use super::section::{Wrong, section, words};

section! {
    /// Rate limits.
    Limits {
        /// Off switches all of them but wrong passwords, for tests and load runs.
        enabled: bool = true;
        /// Wrong passwords per account and minute, also with limits off.
        wrong_passwords_per_minute: u32 = 10, in 1..=1_000;
        /// New accounts.
        register: Rate = rate(RateKey::Address, 1.0, 50);
        /// Signing in.
        login: Rate = rate(RateKey::Address, 5.0, 100);
        /// Looking for people.
        search: Rate = rate(RateKey::User, 5.0, 100);
        /// Messages, edits, deletions and reactions.
        send: Rate = rate(RateKey::User, 20.0, 200);
        /// Contact requests.
        request_contact: Rate = rate(RateKey::User, 0.5, 50);
        /// New threads.
        create_thread: Rate = rate(RateKey::User, 1.0, 100);
        /// Requests and frames of every kind together.
        everything: Rate = rate(RateKey::Session, 100.0, 1_000);
    }
}

section! {
    /// A rate: `burst` at once, and `per_s` in the long run.
    Rate {
        /// Counted per `user`, `session` or `address`; without a session always per address.
        key: RateKey = RateKey::User;
        /// So many a second in the long run.
        per_s: f64 = 10.0, in 0.001..=1_000_000.0;
        /// So many at once after a pause.
        burst: u32 = 100, in 1..=1_000_000;
    }
}

words! {
    /// Whose doings are counted together.
    RateKey {
        /// All devices of a user.
        User = "user",
        /// One signed-in device.
        Session = "session",
        /// One network address.
        Address = "address",
    }
}

impl Limits {
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        for (name, rate) in [("register", &self.register), ("login", &self.login)] {
            if rate.key != RateKey::Address {
                wrong.push(Wrong {
                    key: format!("limits.{name}.key"),
                    why: "must be address: nobody is signed in yet".into(),
                });
            }
        }
    }
}

const fn rate(key: RateKey, per_s: f64, burst: u32) -> Rate {
    Rate { key, per_s, burst }
}

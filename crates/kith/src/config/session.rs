//! `[session]`: how many devices, and for how long.

use super::section::{Wrong, section, words};
use kith_protocol::session::{DeviceKind, SESSIONS_MAX};

section! {
    /// Signed-in devices.
    Session {
        /// A device that was not used for so long is signed out.
        expire_after_days: u32 = 90, in 1..=3_650;
        /// How long a dead token is told why it is dead.
        remember_ended_days: u32 = 30, in 1..=365;
        /// Phones.
        phone: DeviceRule = DeviceRule { max: 1, policy: Policy::Replace };
        /// Tablets.
        tablet: DeviceRule = DeviceRule::default();
        /// Programs on a desktop or laptop.
        desktop: DeviceRule = DeviceRule::default();
        /// Browsers.
        web: DeviceRule = DeviceRule::default();
        /// Terminals.
        terminal: DeviceRule = DeviceRule::default();
        /// Programs without a person.
        bot: DeviceRule = DeviceRule::default();
    }
}

section! {
    /// How many devices of one kind a user may have signed in at once.
    DeviceRule {
        /// At most so many of this kind; 0 for any number (of all kinds together there are 32).
        max: usize = 0, in 0..=SESSIONS_MAX;
        /// When there would be one more: `replace` ends the earliest, `refuse` refuses the new
        /// one, `ask` refuses it unless it says that it takes over.
        policy: Policy = Policy::Replace;
    }
}

words! {
    /// What happens when a device would be one too many.
    Policy {
        /// The earlier one is signed out.
        Replace = "replace",
        /// The new one is refused.
        Refuse = "refuse",
        /// The new one is refused until it says that it takes over.
        Ask = "ask",
    }
}

impl Session {
    /// The rule for a kind of device.
    pub fn rule(&self, kind: DeviceKind) -> &DeviceRule {
        match kind {
            DeviceKind::Phone => &self.phone,
            DeviceKind::Tablet => &self.tablet,
            DeviceKind::Desktop => &self.desktop,
            DeviceKind::Web => &self.web,
            DeviceKind::Terminal => &self.terminal,
            DeviceKind::Bot => &self.bot,
        }
    }

    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        for kind in DeviceKind::ALL {
            let rule = self.rule(*kind);
            if rule.max == 0 && rule.policy != Policy::Replace {
                wrong.push(Wrong {
                    key: format!("session.{kind}.policy"),
                    why: format!(
                        "has no effect while session.{kind}.max is 0 (any number): set a number"
                    ),
                });
            }
        }
    }
}

//! The configuration: one file per section, section names = module names.
//!
//! It is whole before a port opens: defaults, then a file, then the environment, then flags, each
//! over the one before. Every wrong value is named, with where it came from.

mod admin;
mod example;
mod http;
mod limits;
mod load;
mod log;
mod metrics;
mod network;
mod password;
mod presence;
mod push;
mod secret;
mod section;
mod session;
mod store;
mod thread;

pub use admin::{Admin, AdminListen};
pub use example::{environment, example, reference};
pub use http::{Http, SecureCookies};
pub use limits::{Limits, Rate, RateKey};
pub use load::{ConfigErrors, Flag};
pub use log::{Log, LogFormat};
pub use metrics::Metrics;
pub use network::Network;
pub use password::Password;
pub use presence::Presence;
pub use push::Push;
pub use secret::{Secret, SecretFile};
pub use session::{DeviceRule, Policy, Session};
pub use store::{Engine, Store};
pub use thread::Thread;

use section::{Setting, Wrong, section};

section! {
    /// Everything that can be configured.
    Config {
        /// Where clients connect.
        http: Http = Http::default();
        /// Health checks, metrics and commands to a running server. This listener never stands on
        /// a network: it is a Unix socket that only its owner may open, or a loopback address.
        admin: Admin = Admin::default();
        /// Where the data lies.
        store: Store = Store::default();
        /// Signed-in devices.
        session: Session = Session::default();
        /// What checking a password costs. Each check takes the memory and time given here, so a
        /// bounded pool does them. New figures apply to passwords that are set from then on.
        password: Password = Password::default();
        /// Conversations.
        thread: Thread = Thread::default();
        /// Live delivery over open sockets.
        push: Push = Push::default();
        /// Who is online.
        presence: Presence = Presence::default();
        /// How often somebody may do something. The defaults are far above what a person does;
        /// they stop programs that run wild.
        limits: Limits = Limits::default();
        /// The log on standard error. Messages, passwords and tokens never stand in it.
        log: Log = Log::default();
        /// Figures for Prometheus, at /metrics on the admin listener.
        metrics: Metrics = Metrics::default();
    }
}

impl Config {
    /// Defaults, then the file, then `KITH_SECTION_FIELD` variables, then flags; checked.
    pub fn load(
        file: Option<&std::path::Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[Flag],
    ) -> Result<Self, ConfigErrors> {
        load::load(file, environment, flags)
    }

    /// Defaults, then the text of a file; `path` is where it would lie, for the sentences. Checked.
    pub fn of_text(text: &str, path: &std::path::Path) -> Result<Self, ConfigErrors> {
        load::load_text(text, path)
    }

    /// Says what no single type can say: bounds, and values that do not go together.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let wrong = self.all_wrong();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(ConfigErrors::from_check(wrong))
        }
    }

    /// Where the admin listener stands, with its path completed.
    pub fn admin_listen(&self) -> AdminListen {
        self.admin.listen.in_folder(&self.store.folder)
    }

    fn all_wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        self.look_over("", &mut wrong);
        self.http.check(&mut wrong);
        self.admin.check(&self.store.folder, &mut wrong);
        self.session.check(&mut wrong);
        self.password.check(&mut wrong);
        self.thread.check(&mut wrong);
        self.presence.check(&mut wrong);
        self.limits.check(&mut wrong);
        self.log.check(&mut wrong);
        wrong
    }
}

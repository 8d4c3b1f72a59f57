//! Settings, one section per module.

/// All settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// HTTP.
    pub http: Http,
    /// Threads.
    pub thread: Thread,
    /// Push.
    pub push: Push,
    /// Presence.
    pub presence: Presence,
}

/// HTTP.
#[derive(Clone, Debug)]
pub struct Http {
    /// Address.
    pub listen: String,
    /// Origins.
    pub allowed_origins: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".into(), allowed_origins: Vec::new() }
    }
}

/// Threads.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Members of a group.
    pub group_max_members: usize,
    /// Above it, pushes go to the thread's own channel.
    pub personal_channel_max_members: usize,
    /// Below it, they go back.
    pub personal_channel_return_members: usize,
    /// Seconds; 0 = unlimited.
    pub edit_window_s: u64,
    /// Seconds; 0 = unlimited.
    pub delete_window_s: u64,
    /// Threads held in memory.
    pub loaded_threads_max: usize,
    /// Shards.
    pub shards: usize,
}

impl Default for Thread {
    fn default() -> Self {
        Self {
            group_max_members: 500,
            personal_channel_max_members: 100,
            personal_channel_return_members: 80,
            edit_window_s: 86_400,
            delete_window_s: 172_800,
            loaded_threads_max: 20_000,
            shards: 4,
        }
    }
}

/// Push.
#[derive(Clone, Debug)]
pub struct Push {
    /// Bytes per connection.
    pub queue_max_bytes: usize,
    /// Seconds.
    pub slow_reader_s: u64,
    /// Seconds.
    pub drain_s: u64,
    /// Sockets.
    pub connections_max: usize,
}

impl Default for Push {
    fn default() -> Self {
        Self { queue_max_bytes: 262_144, slow_reader_s: 30, drain_s: 5, connections_max: 100_000 }
    }
}

/// Presence.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Seconds.
    pub heartbeat_s: u64,
    /// Seconds.
    pub lease_s: u64,
}

impl Default for Presence {
    fn default() -> Self {
        Self { heartbeat_s: 10, lease_s: 60 }
    }
}

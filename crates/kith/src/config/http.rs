//! `[http]`: where clients connect.

use super::network::Network;
use super::section::{Wrong, section, words};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

section! {
    /// The listener for clients.
    Http {
        /// Address and port for clients. Put a TLS proxy in front of anything but loopback.
        listen: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
        /// Whether the web client that lies in the binary is served, at `/`.
        web: bool = true;
        /// What people type to get here, if it is not the listening address: scheme and host.
        public_url: Option<String> = None, like "https://chat.example.org";
        /// Origins of web pages that may use cookies and open sockets. This server's own address
        /// and `public_url` may always.
        allowed_origins: Vec<String> = Vec::new();
        /// Proxies (addresses or networks) whose X-Forwarded-For and X-Forwarded-Proto are
        /// believed. Anybody could send these headers, so nobody is believed by default.
        trusted_proxies: Vec<Network> = Vec::new();
        /// Whether cookies are marked Secure: `auto` leaves it out on plain HTTP over loopback only.
        secure_cookies: SecureCookies = SecureCookies::Auto;
        /// Time for a client to send the head of a request.
        header_timeout_s: u64 = 10, in 1..=300;
        /// Time for a client to send the body of a request.
        body_timeout_s: u64 = 30, in 1..=600;
    }
}

words! {
    /// Whether cookies are marked Secure.
    SecureCookies {
        /// Unless the client speaks plain HTTP over loopback.
        Auto = "auto",
        /// On every answer.
        Always = "always",
        /// On none; only for tests behind plain HTTP.
        Never = "never",
    }
}

impl Http {
    pub(super) fn check(&self, wrong: &mut Vec<Wrong>) {
        let origins = self
            .allowed_origins
            .iter()
            .map(|o| ("http.allowed_origins", o));
        let public = self.public_url.iter().map(|url| ("http.public_url", url));
        for (key, origin) in origins.chain(public).filter(|(_, text)| !is_origin(text)) {
            wrong.push(Wrong {
                key: key.into(),
                why: format!(
                    "must be scheme and host without a path, such as https://chat.example.org, not {origin:?}"
                ),
            });
        }
    }
}

/// `http` or `https`, a host, perhaps a port; in the form in which browsers send it.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    matches!(scheme, "http" | "https")
        && !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in [
            "https://chat.example.org",
            "http://127.0.0.1:8080",
            "http://[::1]:80",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "*",
            "",
            "example.org",
            "https://a.b/",
            "https://",
            "ftp://a.b",
            "https://A.b",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}

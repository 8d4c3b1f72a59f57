//! Days and times as the user's clock on the wall shows them.

use jiff::Zoned;
use jiff::tz::TimeZone;
use kith_protocol::Timestamp;

/// Where the user is.
#[derive(Clone, Debug)]
pub(super) struct Almanac {
    zone: TimeZone,
}

impl Almanac {
    /// The zone of this machine, or what TZ says.
    pub(super) fn of_system() -> Self {
        let zone = TimeZone::system();
        Self { zone }
    }

    #[cfg(test)]
    pub(super) fn utc() -> Self {
        let zone = TimeZone::UTC;
        Self { zone }
    }

    /// `08:54`.
    pub(super) fn time(&self, at: Timestamp) -> String {
        self.here(at).strftime("%H:%M").to_string()
    }

    /// The day as a heading: `today`, `yesterday`, or `Sat 21 November 2026`.
    pub(super) fn day(&self, at: Timestamp, now: Timestamp) -> String {
        let (day, today) = (self.here(at).date(), self.here(now).date());
        if day == today {
            "today".to_owned()
        } else if day.tomorrow().is_ok_and(|next| next == today) {
            "yesterday".to_owned()
        } else {
            day.strftime("%a %-d %B %Y").to_string()
        }
    }

    /// At most six columns for a list: the time today, `21 Nov` this year, else month and year,
    /// `11/24`.
    pub(super) fn short(&self, at: Timestamp, now: Timestamp) -> String {
        let (at, now) = (self.here(at), self.here(now));
        let form = if at.date() == now.date() {
            "%H:%M"
        } else if at.year() == now.year() {
            "%-d %b"
        } else {
            "%m/%y"
        };
        at.strftime(form).to_string()
    }

    /// Day and time: `today 08:54`.
    pub(super) fn full(&self, at: Timestamp, now: Timestamp) -> String {
        format!("{} {}", self.day(at, now), self.time(at))
    }

    pub(super) fn same_day(&self, a: Timestamp, b: Timestamp) -> bool {
        self.here(a).date() == self.here(b).date()
    }

    fn here(&self, at: Timestamp) -> Zoned {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.to_zoned(self.zone.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_named_from_today() {
        let almanac = Almanac::utc();
        let at = |text| Timestamp::parse(text).unwrap();
        let now = at("2026-11-21T08:54:00Z");
        for (then, day, short) in [
            ("2026-11-21T00:00:00Z", "today", "00:00"),
            ("2026-11-20T23:59:59Z", "yesterday", "20 Nov"),
            ("2026-03-01T12:00:00Z", "Sun 1 March 2026", "1 Mar"),
            ("2024-02-29T12:00:00Z", "Thu 29 February 2024", "02/24"),
        ] {
            assert_eq!(almanac.day(at(then), now), day);
            assert_eq!(almanac.short(at(then), now), short);
        }
    }
}

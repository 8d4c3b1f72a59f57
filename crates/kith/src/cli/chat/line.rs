//! What a typed line means.

/// A line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Nothing,
    Text(String),
    SignUp(String),
    SignIn(String),
    SignOut,
    List { archived: bool },
    Open(String),
    New(String),
    Group { title: String, people: Vec<String> },
    Read,
    Follow(Option<String>),
    Members,
    Add(Vec<String>),
    Remove(String),
    Role { who: String, role: String },
    Title(String),
    Leave,
    Archive(bool),
    History(usize),
    Edit { seq: u64, text: String },
    Delete(u64),
    React { seq: u64, emoji: String, on: bool },
    Reply { seq: u64, text: String },
    Seen(Option<u64>),
    Who,
    Find(String),
    Contacts,
    Requests,
    Request { who: String, note: Option<String> },
    Accept(String),
    Decline(String),
    Block(String),
    Unblock(String),
    Sessions,
    Revoke(String),
    Me,
    Help,
    Quit,
}

/// What /help prints.
pub(super) const HELP: &str = "\
A line without a slash is a message for the open thread; // at its beginning sends one slash.

  /signup HANDLE            make an account and sign in
  /signin HANDLE            sign in; /signout ends the session
  /list [archived]          your threads, newest first, with what is unread
  /open THREAD              a number of /list, a title, an id, or @handle
  /new @HANDLE              write to somebody: opens the thread with them
  /group TITLE @A @B        a new group with these people
  /history [N]              the last N messages of the open thread (20)
  /read                     everything in the open thread is read
  /follow [THREAD]          show messages of another thread as they come; alone: which
  /reply SEQ TEXT           answer a message; its number stands before it
  /edit SEQ TEXT            new text for a message of yours
  /delete SEQ               take a message back
  /react SEQ EMOJI          /unreact SEQ EMOJI takes it away
  /seen [SEQ]               who has seen a message (your last one)
  /members                  who is in the open thread
  /add @A @B  /remove @A    people of the open group
  /role @A ROLE             owner, admin, member or muted
  /title TEXT               a new title for the open group
  /leave                    leave the open group
  /archive  /unarchive      keep the open thread out of /list, or not
  /who                      your contacts and whether they are here
  /find TEXT                find people by the beginning of a name or handle
  /contacts  /requests      your contacts; requests to you and from you
  /request @A [NOTE]        ask somebody to become a contact
  /accept @A  /decline @A   answer a request
  /block @A  /unblock @A    block somebody
  /sessions                 your signed-in devices
  /revoke N|others          sign a device out: a number of /sessions, or all others
  /me                       who you are
  /help  /quit";

impl Line {
    /// Understands a line, or says what to type instead.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        if let Some(text) = line.strip_prefix("//") {
            return Ok(Self::Text(format!("/{text}")));
        }
        let Some(command) = line.strip_prefix('/') else {
            return Ok(if line.trim().is_empty() {
                Self::Nothing
            } else {
                Self::Text(line.to_owned())
            });
        };
        let (word, rest) = split(command);
        let all = rest.trim();
        match word {
            "signup" => one("/signup HANDLE", all).map(Self::SignUp),
            "signin" | "login" => one("/signin HANDLE", all).map(Self::SignIn),
            "signout" | "logout" => Ok(Self::SignOut),
            "list" => match all {
                "" => Ok(Self::List { archived: false }),
                "archived" => Ok(Self::List { archived: true }),
                _ => usage("/list or /list archived"),
            },
            "open" => some("/open THREAD", all).map(Self::Open),
            "new" => one("/new @HANDLE", all).map(Self::New),
            "group" => group(all),
            "read" => Ok(Self::Read),
            "follow" => Ok(Self::Follow((!all.is_empty()).then(|| all.to_owned()))),
            "members" => Ok(Self::Members),
            "add" => some("/add @HANDLE ...", all).map(|all| Self::Add(words(&all))),
            "remove" => one("/remove @HANDLE", all).map(Self::Remove),
            "role" => match words(all).as_slice() {
                [who, role] => Ok(Self::Role {
                    who: who.clone(),
                    role: role.clone(),
                }),
                _ => usage("/role @HANDLE owner|admin|member|muted"),
            },
            "title" => some("/title TEXT", all).map(Self::Title),
            "leave" => Ok(Self::Leave),
            "archive" => Ok(Self::Archive(true)),
            "unarchive" => Ok(Self::Archive(false)),
            "history" if all.is_empty() => Ok(Self::History(20)),
            "history" => match all.parse() {
                Ok(n) if (1..=200).contains(&n) => Ok(Self::History(n)),
                _ => usage("/history N with N from 1 to 200"),
            },
            "edit" => seq_and("/edit SEQ TEXT", rest).map(|(seq, text)| Self::Edit { seq, text }),
            "reply" => {
                seq_and("/reply SEQ TEXT", rest).map(|(seq, text)| Self::Reply { seq, text })
            }
            "delete" => seq("/delete SEQ", all).map(Self::Delete),
            "react" | "unreact" => {
                let (seq, emoji) = seq_and("/react SEQ EMOJI", rest)?;
                let emoji = emoji.trim().to_owned();
                let on = word == "react";
                Ok(Self::React { seq, emoji, on })
            }
            "seen" if all.is_empty() => Ok(Self::Seen(None)),
            "seen" => seq("/seen SEQ", all).map(|seq| Self::Seen(Some(seq))),
            "who" => Ok(Self::Who),
            "find" => some("/find TEXT", all).map(Self::Find),
            "contacts" => Ok(Self::Contacts),
            "requests" => Ok(Self::Requests),
            "request" => {
                let (who, note) = split(all);
                let who = one("/request @HANDLE [NOTE]", who)?;
                let note = Some(note.trim().to_owned()).filter(|note| !note.is_empty());
                Ok(Self::Request { who, note })
            }
            "accept" => one("/accept @HANDLE", all).map(Self::Accept),
            "decline" => one("/decline @HANDLE", all).map(Self::Decline),
            "block" => one("/block @HANDLE", all).map(Self::Block),
            "unblock" => one("/unblock @HANDLE", all).map(Self::Unblock),
            "sessions" => Ok(Self::Sessions),
            "revoke" => one("/revoke N, or /revoke others", all).map(Self::Revoke),
            "me" => Ok(Self::Me),
            "help" => Ok(Self::Help),
            "quit" | "exit" => Ok(Self::Quit),
            _ => Err(format!("there is no /{word}: /help lists what there is")),
        }
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn usage<T>(form: &str) -> Result<T, String> {
    Err(format!("type {form}"))
}

fn some(form: &str, all: &str) -> Result<String, String> {
    if all.is_empty() {
        return usage(form);
    }
    Ok(all.to_owned())
}

fn one(form: &str, all: &str) -> Result<String, String> {
    if all.contains(char::is_whitespace) {
        return usage(form);
    }
    some(form, all)
}

fn seq(form: &str, all: &str) -> Result<u64, String> {
    all.trim_start_matches('#')
        .parse()
        .map_err(|_| format!("type {form}, where SEQ is the number before a message"))
}

fn seq_and(form: &str, rest: &str) -> Result<(u64, String), String> {
    let (number, text) = split(rest.trim_start());
    let number = seq(form, number)?;
    Ok((number, some(form, text.trim())?))
}

fn group(all: &str) -> Result<Line, String> {
    const FORM: &str = "/group TITLE @HANDLE ...";
    let Some(at) = all.find(" @") else {
        return usage(FORM);
    };
    let (title, people) = all.split_at(at);
    let title = some(FORM, title.trim().trim_matches('"'))?;
    let people = words(people);
    if people.iter().any(|who| !who.starts_with('@')) {
        return usage(FORM);
    }
    Ok(Line::Group { title, people })
}

/// The handles that a text names with an `@`.
pub(in crate::cli) fn named(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '!' | '?' | '(' | ')'))
        .filter_map(|word| word.strip_prefix('@'))
        .map(|name| name.trim_end_matches('.'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_slash_is_a_message_as_it_stands() {
        let text = |line: &str| Line::parse(line);
        assert_eq!(text("  hi /there "), Ok(Line::Text("  hi /there ".into())));
        assert_eq!(text("//etc/hosts"), Ok(Line::Text("/etc/hosts".into())));
        assert_eq!(text("   "), Ok(Line::Nothing));
    }

    #[test]
    fn commands_take_what_they_need() {
        let group = Line::Group {
            title: "Team lunch".into(),
            people: vec!["@ann".into(), "@bo".into()],
        };
        assert_eq!(Line::parse("/group Team lunch @ann @bo"), Ok(group));
        let edit = Line::Edit {
            seq: 7,
            text: "new  text".into(),
        };
        assert_eq!(Line::parse("/edit #7 new  text"), Ok(edit));
        assert_eq!(
            Line::parse("/open Team lunch"),
            Ok(Line::Open("Team lunch".into()))
        );
        let request = Line::Request {
            who: "@bo".into(),
            note: Some("it is me".into()),
        };
        assert_eq!(Line::parse("/request @bo it is me"), Ok(request));
        assert_eq!(Line::parse("/history"), Ok(Line::History(20)));
    }

    #[test]
    fn a_wrong_command_is_answered_with_the_right_form() {
        for (line, form) in [
            ("/nope", "/help"),
            ("/open", "/open THREAD"),
            ("/group @ann", "/group TITLE"),
            ("/edit x y", "/edit SEQ TEXT"),
            ("/edit 7", "/edit SEQ TEXT"),
            ("/history 201", "from 1 to 200"),
            ("/history 0", "from 1 to 200"),
            ("/signin ann password", "/signin HANDLE"),
            ("/role @ann", "/role @HANDLE"),
        ] {
            let why = Line::parse(line).expect_err(line);
            assert!(why.contains(form), "{line}: {why}");
        }
    }

    #[test]
    fn help_names_every_command() {
        for word in [
            "signup",
            "signout",
            "unreact",
            "decline",
            "unarchive",
            "revoke",
            "title",
        ] {
            assert!(HELP.contains(&format!("/{word}")), "{word}");
        }
    }
}

//! The page to sign in on.

use super::put;
use crate::cli::screen::edit::Edit;
use crate::cli::screen::palette::Palette;
use crate::cli::screen::sign_in::{Field, SignIn};
use crate::cli::screen::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

/// Columns of the names of the fields.
const LABEL: usize = 10;
/// The widest form.
const FORM_MAX: u16 = 64;

pub(super) fn paint(
    form: &SignIn,
    palette: Palette,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let width = area.width.min(FORM_MAX);
    let left = area.x + (area.width - width) / 2;
    let above = area.height.saturating_sub(14) / 3;
    let area = Rect::new(left, area.y + above, width, area.height - above);
    let room = usize::from(width).saturating_sub(2);
    let title = match (form.is_asking, form.is_new) {
        (true, _) => "asking the server…",
        (false, true) => "Make an account",
        (false, false) => "Sign in",
    };
    let mut row = 0;
    put(
        buf,
        area,
        row,
        Line::styled(format!(" {title}"), palette.strong()),
    );
    row += 1;
    for line in form
        .reason
        .iter()
        .flat_map(|reason| text::wrap(reason, room))
    {
        put(
            buf,
            area,
            row,
            Line::styled(format!(" {line}"), palette.wrong()),
        );
        row += 1;
    }
    if area.height > 9 {
        row += 1;
    }
    let mut cursor = None;
    let hidden = Edit::of("•".repeat(text_len(&form.password)));
    for (field, label, edit) in [
        (Field::Handle, "handle", &form.handle),
        (Field::Password, "password", &hidden),
        (Field::Kind, "", &form.handle),
        (Field::Server, "server", &form.server),
    ] {
        let is_here = form.field == field;
        let style = if is_here {
            palette.strong()
        } else {
            palette.dim()
        };
        if field == Field::Kind {
            let mark = if form.is_new { "[x]" } else { "[ ]" };
            let words = format!(" {}{mark} new account", " ".repeat(LABEL));
            put(buf, area, row, Line::styled(words, style));
            if is_here {
                // The form is at least 24 columns wide.
                cursor = Some(Position::new(area.x + 2 + LABEL as u16, area.y + row));
            }
        } else {
            let room = room.saturating_sub(LABEL).max(2);
            let rows = edit.rows(room);
            let shown = if is_here {
                rows.rows.get(rows.cursor.1).cloned().unwrap_or_default()
            } else {
                text::cut(&text::line(edit.text()), room)
            };
            let spans = vec![
                Span::styled(format!(" {label:LABEL$}"), style),
                Span::raw(shown),
            ];
            put(buf, area, row, Line::from(spans));
            if is_here {
                let column = (1 + LABEL + rows.cursor.0) as u16;
                cursor = Some(Position::new(area.x + column, area.y + row));
            }
        }
        row += 1;
    }
    row += 1;
    let keys = "Enter: go on   Tab: next field   Ctrl-R: a new account   Esc: other accounts   Ctrl-C: leave";
    for line in text::wrap(keys, room) {
        put(
            buf,
            area,
            row,
            Line::styled(format!(" {line}"), palette.dim()),
        );
        row += 1;
    }
    cursor.filter(|place| area.contains(*place))
}

fn text_len(password: &Edit) -> usize {
    password.text().chars().count()
}

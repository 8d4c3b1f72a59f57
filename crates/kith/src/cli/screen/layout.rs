//! What stands where on a screen of a size.

use ratatui::layout::{Position, Rect, Size};

/// Below this nothing useful fits.
pub(super) const LEAST: Size = Size::new(24, 8);
/// From this width on the list stands beside the conversation.
const BESIDE_FROM: u16 = 72;
/// Rows of one thread in the list.
pub(super) const LIST_ROWS: u16 = 2;
/// Rows of a text before it scrolls.
const COMPOSE_MAX_ROWS: usize = 6;

/// The panes of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panes {
    /// The bar at the top.
    pub(super) head: Rect,
    /// The list of threads, if it shows.
    pub(super) list: Option<Rect>,
    /// The line between list and conversation.
    pub(super) rule: Option<Rect>,
    /// The conversation or a page, if it shows.
    pub(super) main: Option<Rect>,
    /// Keys, questions and notices.
    pub(super) foot: Rect,
}

/// The parts of a conversation's pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Talk {
    pub(super) title: Rect,
    pub(super) messages: Rect,
    /// Who is typing, what is replied to.
    pub(super) between: Rect,
    pub(super) compose: Rect,
}

/// The panes; none if the screen is too small. Where only one pane fits, it is the list or not.
pub(super) fn panes(size: Size, on_list: bool) -> Option<Panes> {
    if size.width < LEAST.width || size.height < LEAST.height {
        return None;
    }
    let (width, height) = (size.width, size.height);
    let middle = height - 2;
    let whole = Rect::new(0, 1, width, middle);
    let (list, rule, main) = if width >= BESIDE_FROM {
        let list = (width / 3).clamp(24, 36);
        (
            Some(Rect::new(0, 1, list, middle)),
            Some(Rect::new(list, 1, 1, middle)),
            Some(Rect::new(list + 1, 1, width - list - 1, middle)),
        )
    } else if on_list {
        (Some(whole), None, None)
    } else {
        (None, None, Some(whole))
    };
    Some(Panes {
        head: Rect::new(0, 0, width, 1),
        list,
        rule,
        main,
        foot: Rect::new(0, height - 1, width, 1),
    })
}

impl Panes {
    /// The parts of the conversation with a text of so many rows below it.
    pub(super) fn talk(&self, text_rows: usize) -> Option<Talk> {
        let main = self.main?;
        let most = usize::from(main.height / 3).clamp(1, COMPOSE_MAX_ROWS);
        // At most six, so it fits.
        let rows = text_rows.clamp(1, most) as u16;
        let messages = main.height - 2 - rows;
        let part = |y, height| Rect::new(main.x, main.y + y, main.width, height);
        Some(Talk {
            title: part(0, 1),
            messages: part(1, messages),
            between: part(1 + messages, 1),
            compose: part(2 + messages, rows),
        })
    }
}

/// The first of so many rows to show, so that the chosen one is in sight.
pub(super) fn first_shown(chosen: usize, rows: usize, all: usize) -> usize {
    let middle = chosen.saturating_sub(rows / 2);
    middle.min(all.saturating_sub(rows))
}

/// Whether a place of the mouse lies in an area.
pub(super) fn is_in(area: Option<Rect>, x: u16, y: u16) -> bool {
    area.is_some_and(|area| area.contains(Position::new(x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_belongs_to_one_pane() {
        for (width, height) in [(24, 8), (40, 12), (80, 24), (72, 9), (200, 60)] {
            for on_list in [true, false] {
                let panes = panes(Size::new(width, height), on_list).unwrap();
                let parts = [panes.list, panes.rule, panes.main];
                let parts = parts.into_iter().flatten().chain([panes.head, panes.foot]);
                let cells: u32 = parts.map(Rect::area).sum();
                assert_eq!(cells, u32::from(width) * u32::from(height));
                for rows in [0, 1, 3, 100] {
                    if let (Some(talk), Some(main)) = (panes.talk(rows), panes.main) {
                        let parts = [talk.title, talk.messages, talk.between, talk.compose];
                        assert_eq!(
                            parts.iter().map(|part| part.height).sum::<u16>(),
                            main.height
                        );
                        assert!(talk.messages.height > 0);
                    }
                }
            }
        }
        assert_eq!(panes(Size::new(23, 24), true), None);
    }
}

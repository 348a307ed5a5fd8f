//! Marks on pages, filled from top to bottom.

use super::font::{Face, Fonts};
use super::structure::{DECORATION, Place, Role, Structure};
use crate::document::Align;
use crate::lines::break_lines;
use crate::text::Lang;

/// A4 in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const LEFT: f32 = 62.0;
pub(super) const RIGHT: f32 = WIDTH - 62.0;
const TOP: f32 = 68.0;
pub(super) const BOTTOM: f32 = HEIGHT - 68.0;

/// 0xRRGGBB.
pub(super) type Colour = u32;
pub(super) const INK: Colour = 0x1d_2733;
pub(super) const MUTED: Colour = 0x5a_6775;
pub(super) const RULE: Colour = 0xc9_d1d9;
pub(super) const TINT: Colour = 0xee_f2f6;
pub(super) const RED: Colour = 0xb3_261e;
pub(super) const BLUE: Colour = 0x1f_5fa8;

/// One mark; `y` of a text is its baseline.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Op {
    Text {
        x: f32,
        y: f32,
        text: String,
        size: f32,
        face: Face,
        colour: Colour,
    },
    Rect {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        colour: Colour,
    },
    /// `dash`: length of dashes and gaps; 0: none.
    Line {
        points: Vec<(f32, f32)>,
        width: f32,
        colour: Colour,
        dash: f32,
    },
    Hatch {
        lines: Vec<[(f32, f32); 2]>,
        width: f32,
        colour: Colour,
    },
    Dot {
        x: f32,
        y: f32,
        radius: f32,
        colour: Colour,
    },
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) face: Face,
    pub(super) size: f32,
    pub(super) colour: Colour,
    /// From baseline to baseline.
    pub(super) leading: f32,
}

pub(super) struct Flow<'a> {
    pub(super) fonts: &'a Fonts,
    pub(super) lang: Lang,
    /// Marks with the number of the part of the document that they belong to.
    pages: Vec<Vec<(usize, Op)>>,
    /// Of the current page, from its top.
    pub(super) y: f32,
    structure: Structure,
    places: Vec<Place>,
    is_unread: bool,
}

/// Everything that was laid out.
pub(super) struct LaidOut {
    pub(super) pages: Vec<Vec<(usize, Op)>>,
    pub(super) structure: Structure,
    pub(super) places: Vec<Place>,
}

impl<'a> Flow<'a> {
    pub(super) fn new(fonts: &'a Fonts, lang: Lang) -> Flow<'a> {
        Flow { fonts, lang, pages: vec![Vec::new()], y: TOP, structure: Structure::new(), places: Vec::new(), is_unread: false }
    }

    pub(super) fn finish(self) -> LaidOut {
        LaidOut { pages: self.pages, structure: self.structure, places: self.places }
    }

    /// A mark of the part that is open.
    pub(super) fn push(&mut self, op: Op) {
        let part = if self.is_unread { DECORATION } else { self.structure.current() };
        if let Some(page) = self.pages.last_mut() {
            page.push((part, op));
        }
    }

    /// A mark that says nothing: a rule, a tint.
    pub(super) fn decorate(&mut self, op: Op) {
        if let Some(page) = self.pages.last_mut() {
            page.push((DECORATION, op));
        }
    }

    /// Everything that `fill` sets is this part of the document.
    pub(super) fn part(&mut self, role: Role, fill: impl FnOnce(&mut Flow<'a>)) {
        self.structure.open(role);
        fill(self);
        self.structure.close();
    }

    /// Everything that `fill` sets is for the eye alone.
    pub(super) fn unread(&mut self, fill: impl FnOnce(&mut Flow<'a>)) {
        self.is_unread = true;
        fill(self);
        self.is_unread = false;
    }

    /// A line of text for the eye alone, at the current place.
    pub(super) fn decorate_text(&mut self, left: f32, text: &str, style: Style) {
        self.unread(|flow| flow.paragraph(text, style, left, 0.0, Align::Left));
    }

    /// A heading that readers find by the outline; what is set next is its text.
    pub(super) fn mark_heading(&mut self, level: u8, text: &str) {
        let page = self.pages.len().saturating_sub(1);
        self.places.push(Place { level, text: text.to_owned(), page, y: self.y });
    }

    /// A new page, unless this one is still empty.
    pub(super) fn new_page(&mut self) {
        if self.y > TOP {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
    }

    /// Begins a new page where less than `height` is left; says whether it did. What is higher than a page begins where it is.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let turn = self.y + height > BOTTOM && self.y > TOP && height <= BOTTOM - TOP;
        if turn {
            self.new_page();
        }
        turn
    }

    /// One line at a place; gives its width.
    pub(super) fn text(&mut self, x: f32, y: f32, text: &str, style: Style, align: Align) -> f32 {
        let text = self.fonts.clean(style.face, text);
        let width = self.fonts.width(style.face, &text, style.size);
        let x = match align {
            Align::Left => x,
            Align::Centre => x - width / 2.0,
            Align::Right => x - width,
        };
        if !text.trim().is_empty() {
            self.push(Op::Text { x, y, text, size: style.size, face: style.face, colour: style.colour });
        }
        width
    }

    pub(super) fn broken(&self, text: &str, style: Style, room: f32, indent: f32) -> Vec<String> {
        let text = self.fonts.clean(style.face, text);
        break_lines(&text, room, indent, |t| self.fonts.width(style.face, t, style.size))
    }

    /// A paragraph over the whole width, over pages where need be.
    pub(super) fn paragraph(&mut self, text: &str, style: Style, left: f32, indent: f32, align: Align) {
        let lines = self.broken(text, style, RIGHT - left, indent);
        let count = lines.len();
        for (i, line) in lines.iter().enumerate() {
            // no single line of a paragraph at the end of a page
            self.need(if i == 0 && count > 1 { style.leading * 2.0 } else { style.leading });
            let baseline = self.y + style.leading * 0.5 + style.size * 0.36;
            let x = match align {
                Align::Left => left + if i == 0 { indent } else { 0.0 },
                Align::Centre => f32::midpoint(left, RIGHT),
                Align::Right => RIGHT,
            };
            self.text(x, baseline, line, style, align);
            self.y += style.leading;
        }
    }
}

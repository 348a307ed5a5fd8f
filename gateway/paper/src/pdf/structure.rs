//! What the marks on the pages are to those who do not see them: the tree of a tagged PDF (ISO 14289-1), and the outline.

use std::num::NonZeroU16;

use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::outline::{Outline, OutlineNode};
use krilla::tagging::{Identifier, ListNumbering, Node as Tagged, TableHeaderScope, Tag, TagGroup, TagKind, TagTree};

/// What a part of the document is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Role {
    Root,
    /// Level and text; the title is of level 1.
    Heading(u16, String),
    Paragraph,
    Contents,
    ContentsLine,
    Notes,
    Note,
    Number,
    Body,
    /// Its title.
    Table(String),
    Row,
    ColumnHead,
    RowHead,
    Cell,
    Caption,
    /// What one sees in it.
    Figure(String),
}

/// Marks that belong to no part: rules, tints, headers, page numbers.
pub(super) const DECORATION: usize = 0;

struct Part {
    role: Role,
    parts: Vec<usize>,
    /// Its marks on the pages; a part has marks or parts.
    marks: Vec<Identifier>,
}

/// The parts in reading order. Number 0 is the document itself.
pub(super) struct Structure {
    parts: Vec<Part>,
    open: Vec<usize>,
}

impl Structure {
    pub(super) fn new() -> Structure {
        Structure { parts: vec![Part { role: Role::Root, parts: Vec::new(), marks: Vec::new() }], open: vec![DECORATION] }
    }

    /// Everything up to `close` belongs to it.
    pub(super) fn open(&mut self, role: Role) {
        let number = self.parts.len();
        let above = self.current();
        if let Some(above) = self.parts.get_mut(above) {
            above.parts.push(number);
        }
        self.parts.push(Part { role, parts: Vec::new(), marks: Vec::new() });
        self.open.push(number);
    }

    pub(super) fn close(&mut self) {
        if self.open.len() > 1 {
            self.open.pop();
        }
    }

    pub(super) fn current(&self) -> usize {
        self.open.last().copied().unwrap_or(DECORATION)
    }

    pub(super) fn drawn(&mut self, part: usize, mark: Identifier) {
        if let Some(part) = self.parts.get_mut(part) {
            part.marks.push(mark);
        }
    }

    pub(super) fn tree(&self, lang: &str) -> TagTree {
        let mut tree = TagTree::new().with_lang(Some(lang.to_owned()));
        for part in self.parts.first().map_or(&[][..], |root| &root.parts) {
            tree.push(self.group(*part, 0));
        }
        tree
    }

    fn group(&self, number: usize, depth: usize) -> TagGroup {
        /// Table, row, cell are three.
        const DEPTH_MAX: usize = 8;
        let Some(part) = self.parts.get(number).filter(|_| depth < DEPTH_MAX) else { return TagGroup::new(Tag::Div) };
        let mut group = TagGroup::new(tag(&part.role));
        part.parts.iter().for_each(|below| group.push(Tagged::Group(self.group(*below, depth + 1))));
        part.marks.iter().for_each(|mark| group.push(Tagged::Leaf(*mark)));
        group
    }
}

fn tag(role: &Role) -> TagKind {
    match role {
        Role::Root => Tag::Div.into(),
        Role::Heading(level, text) => Tag::Hn(NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN), Some(text.clone())).into(),
        Role::Paragraph => Tag::P.into(),
        Role::Contents => Tag::TOC.into(),
        Role::ContentsLine => Tag::TOCI.into(),
        Role::Notes => Tag::L(ListNumbering::Decimal).into(),
        Role::Note => Tag::LI.into(),
        Role::Number => Tag::Lbl.into(),
        Role::Body => Tag::LBody.into(),
        Role::Table(title) => Tag::Table.with_summary(Some(title.clone())).into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnHead => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowHead => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
        Role::Caption => Tag::Caption.into(),
        Role::Figure(alt) => Tag::Figure(Some(alt.clone())).into(),
    }
}

/// A heading and where it stands.
pub(super) struct Place {
    /// 1 for chapters.
    pub(super) level: u8,
    pub(super) text: String,
    /// From 0.
    pub(super) page: usize,
    pub(super) y: f32,
}

/// The headings as bookmarks, sections below their chapters.
pub(super) fn outline(places: &[Place], left: f32) -> Outline {
    let mut outline = Outline::new();
    let mut chapter: Option<OutlineNode> = None;
    for place in places {
        let node = OutlineNode::new(place.text.clone(), XyzDestination::new(place.page, Point::from_xy(left, place.y)));
        match (&mut chapter, place.level) {
            (Some(above), 2..) => above.push_child(node),
            (done, _) => {
                if let Some(done) = done.take() {
                    outline.push_child(done);
                }
                *done = Some(node.with_open(true));
            }
        }
    }
    if let Some(done) = chapter {
        outline.push_child(done);
    }
    outline
}

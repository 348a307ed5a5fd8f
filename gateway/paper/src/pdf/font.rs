//! Fonts of this machine: the program carries none.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use krilla::text::Font;

use crate::fault::Fault;

/// What a text is set in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Face {
    /// Running text: 宋体.
    Body,
    /// Titles: bold 宋体.
    Title,
    /// Tables, charts, labels: 黑体.
    Sans,
    /// Emphasis in them.
    Strong,
}

/// Where Debian, Fedora and Arch put the Noto CJK fonts.
const DIRECTORIES: [&str; 4] = [
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/google-noto-cjk",
    "/usr/share/fonts/google-noto-serif-cjk-fonts",
];
/// Fonts with simplified Chinese that a machine may have instead.
const OTHERS: [&str; 3] = [
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
];
const SANS: &str = "NotoSansCJK-Regular.ttc";
const STRONG: &str = "NotoSansCJK-Bold.ttc";
const BODY: &str = "NotoSerifCJK-Regular.ttc";
const TITLE: &str = "NotoSerifCJK-Bold.ttc";

/// Every Chinese font has it; those of Latin alone do not.
const PROBE: char = '互';
/// 〓, what printers set where a type is missing.
const MISSING: char = '\u{3013}';

/// One font file's face, with the measures of its characters.
struct Loaded {
    font: Font,
    data: Arc<Vec<u8>>,
    index: u32,
    /// Width of a character in thousandths of the size; `None`: the font lacks it.
    widths: Mutex<HashMap<char, Option<u16>>>,
}

/// The fonts of a document. Loading reads some 20 MB a face: load once, keep.
pub struct Fonts {
    sans: Arc<Loaded>,
    strong: Arc<Loaded>,
    body: Arc<Loaded>,
    title: Arc<Loaded>,
    lacking: Mutex<BTreeSet<char>>,
}

impl Fonts {
    /// The configured file for everything; else the usual ones, the regular sans for those that are missing.
    pub fn load(configured: Option<&Path>) -> Result<Fonts, Fault> {
        if let Some(path) = configured {
            let one = Arc::new(Loaded::read(path).ok_or_else(|| Fault::BadFont(path.display().to_string()))?);
            return Ok(Fonts::of(Arc::clone(&one), None, None, None));
        }
        let usual: Vec<PathBuf> = DIRECTORIES.iter().map(|dir| Path::new(dir).join(SANS)).chain(OTHERS.iter().map(PathBuf::from)).collect();
        let found = usual.iter().find_map(|path| Some((path, Loaded::read(path)?)));
        let (path, sans) = found.ok_or_else(|| Fault::NoFont(usual.iter().map(|p| p.display().to_string()).collect()))?;
        let beside =
            |name: &str| path.parent().map(|dir| dir.join(name)).filter(|p| p.exists()).and_then(|p| Loaded::read(&p)).map(Arc::new);
        Ok(Fonts::of(Arc::new(sans), beside(STRONG), beside(BODY), beside(TITLE)))
    }

    fn of(sans: Arc<Loaded>, strong: Option<Arc<Loaded>>, body: Option<Arc<Loaded>>, title: Option<Arc<Loaded>>) -> Fonts {
        let or = |face: Option<Arc<Loaded>>| face.unwrap_or_else(|| Arc::clone(&sans));
        Fonts { strong: or(strong), body: or(body), title: or(title), lacking: Mutex::default(), sans }
    }

    fn face(&self, face: Face) -> &Loaded {
        match face {
            Face::Body => &self.body,
            Face::Title => &self.title,
            Face::Sans => &self.sans,
            Face::Strong => &self.strong,
        }
    }

    pub(super) fn font(&self, face: Face) -> Font {
        self.face(face).font.clone()
    }

    /// The text as it can be set: characters that the font lacks become 〓 and are remembered, controls become blanks.
    pub(super) fn clean(&self, face: Face, text: &str) -> String {
        let face = self.face(face);
        let one = |c: char| match c {
            c if c.is_control() || c == '\u{feff}' => ' ',
            c if face.width(c).is_some() => c,
            c => {
                self.lacking.lock().unwrap_or_else(PoisonError::into_inner).insert(c);
                if face.width(MISSING).is_some() { MISSING } else { '?' }
            }
        };
        text.chars().map(one).collect()
    }

    /// How wide a cleaned text is.
    pub(super) fn width(&self, face: Face, text: &str, size: f32) -> f32 {
        let face = self.face(face);
        text.chars().map(|c| f32::from(face.width(c).unwrap_or(1000))).sum::<f32>() * size / 1000.0
    }

    /// `U+1F600` of every character that became 〓 since this was last asked.
    pub(super) fn lacking(&self) -> Vec<String> {
        let taken = std::mem::take(&mut *self.lacking.lock().unwrap_or_else(PoisonError::into_inner));
        taken.iter().take(20).map(|c| format!("U+{:04X}", u32::from(*c))).collect()
    }
}

impl Loaded {
    /// Of a collection the face for simplified Chinese: others draw 骨 and 直 as Japan or Taiwan does.
    fn read(path: &Path) -> Option<Loaded> {
        let data = Arc::new(std::fs::read(path).ok()?);
        let faces = ttf_parser::fonts_in_collection(&data).unwrap_or(1);
        let simplified = (0..faces).find(|i| family(&data, *i).is_some_and(|name| name.contains(" SC")));
        let index = simplified.unwrap_or(0);
        let font = Font::new(Arc::<Vec<u8>>::clone(&data).into(), index)?;
        let loaded = Loaded { font, data, index, widths: Mutex::default() };
        loaded.width(PROBE).is_some().then_some(loaded)
    }

    fn width(&self, c: char) -> Option<u16> {
        let mut widths = self.widths.lock().unwrap_or_else(PoisonError::into_inner);
        *widths.entry(c).or_insert_with(|| {
            let face = ttf_parser::Face::parse(&self.data, self.index).ok()?;
            let advance = u32::from(face.glyph_hor_advance(face.glyph_index(c)?)?);
            u16::try_from(advance * 1000 / u32::from(face.units_per_em().max(1))).ok()
        })
    }
}

fn family(data: &[u8], index: u32) -> Option<String> {
    let face = ttf_parser::Face::parse(data, index).ok()?;
    face.names().into_iter().filter(|n| n.name_id == ttf_parser::name_id::FAMILY).find_map(|n| n.to_string())
}

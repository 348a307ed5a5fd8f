//! Texts as numbers of 16 bits. 0 is the empty text, and whatever comes when the numbers are used up.

use hutong_fhir::quick::QuickMap;

#[derive(Clone, Debug)]
pub(super) struct Names {
    all: Vec<String>,
    numbers: QuickMap<String, u16>,
}

impl Default for Names {
    fn default() -> Names {
        Names { all: vec![String::new()], numbers: QuickMap::default() }
    }
}

impl Names {
    pub(super) fn number(&mut self, name: &str) -> u16 {
        if name.is_empty() {
            return 0;
        }
        if let Some(n) = self.numbers.get(name) {
            return *n;
        }
        let Ok(n) = u16::try_from(self.all.len()) else { return 0 };
        self.all.push(name.to_owned());
        self.numbers.insert(name.to_owned(), n);
        n
    }

    pub(super) fn find(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    pub(super) fn name(&self, number: u16) -> &str {
        self.all.get(usize::from(number)).map_or("", String::as_str)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// All but the empty one, in the order of their numbers.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.all.iter().skip(1).map(String::as_str)
    }
}

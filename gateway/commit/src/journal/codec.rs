//! Compression of one entry at a time under a dictionary trained on entries.
//!
//! Entries are compressed singly because a search reads a few entries out of many segments; what they have in common
//! is in the dictionary.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use zstd::zstd_safe::{CCtx, CDict, DCtx, DDict, get_error_name, get_frame_content_size};

/// Sealing runs behind the accept path on the same cores: a level more costs a third more time and saves two percent.
const LEVEL: i32 = 5;
/// A dictionary stands in every sealed file that uses it, hence its size goes with the segment's.
const DICTIONARY_BYTES_MAX: u64 = 192 << 10;
const DICTIONARY_BYTES_MIN: u64 = 16 << 10;
const DICTIONARY_SHARE: u64 = 128;
/// Training reads this much at most.
const SAMPLES_BYTES: usize = 4 << 20;
/// Fewer samples than this teach nothing.
const SAMPLES_MIN: usize = 32;
const POOL_MAX: usize = 4;

/// A dictionary learnt from entries of a segment of `segment` bytes; empty where there were too few.
pub(crate) fn train(samples: &[Vec<u8>], segment: u64) -> Vec<u8> {
    let total: usize = samples.iter().map(Vec::len).sum();
    let size = (segment / DICTIONARY_SHARE).clamp(DICTIONARY_BYTES_MIN, DICTIONARY_BYTES_MAX);
    let size = usize::try_from(size).unwrap_or(usize::MAX).min(total / 8);
    if samples.len() < SAMPLES_MIN || size < 4_096 {
        return Vec::new();
    }
    // What cannot be learnt from is stored without a dictionary: only space is lost.
    zstd::dict::from_samples(samples, size).unwrap_or_default()
}

/// Which of `count` entries of `bytes` bytes together to train on: every how many-th.
pub(crate) fn sample_step(count: u64, bytes: u64) -> u64 {
    let wanted = (count.saturating_mul(SAMPLES_BYTES as u64) / bytes.max(1)).max(1);
    count.div_ceil(wanted).max(1)
}

pub(crate) struct Compressor {
    context: CCtx<'static>,
    dictionary: Option<CDict<'static>>,
    out: Vec<u8>,
}

impl Compressor {
    pub(crate) fn new(dictionary: &[u8]) -> io::Result<Compressor> {
        let dictionary = if dictionary.is_empty() { None } else { Some(CDict::try_create(dictionary, LEVEL).ok_or_else(no_memory)?) };
        Ok(Compressor { context: CCtx::try_create().ok_or_else(no_memory)?, dictionary, out: Vec::new() })
    }

    pub(crate) fn compress(&mut self, bytes: &[u8]) -> io::Result<&[u8]> {
        self.out.clear();
        self.out.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        let done = match &self.dictionary {
            Some(dictionary) => self.context.compress_using_cdict(&mut self.out, bytes, dictionary),
            None => self.context.compress(&mut self.out, bytes, LEVEL),
        };
        done.map_err(failed)?;
        Ok(&self.out)
    }
}

/// Decompressors in turn: making one costs more than an entry.
#[derive(Default)]
pub(crate) struct Decompressors {
    pool: Mutex<Vec<DCtx<'static>>>,
}

impl Decompressors {
    /// At most `limit` bytes.
    pub(crate) fn decompress(&self, bytes: &[u8], dictionary: Option<&DDict<'static>>, limit: usize) -> io::Result<Vec<u8>> {
        let size = get_frame_content_size(bytes).ok().flatten().and_then(|size| usize::try_from(size).ok());
        let size = size.filter(|&size| size <= limit).ok_or(io::ErrorKind::InvalidData)?;
        let held = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = match held {
            Some(context) => context,
            None => DCtx::try_create().ok_or_else(no_memory)?,
        };
        let mut out = Vec::with_capacity(size);
        let done = match dictionary {
            Some(dictionary) => context.decompress_using_ddict(&mut out, bytes, dictionary),
            None => context.decompress(&mut out, bytes),
        };
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOL_MAX {
            pool.push(context);
        }
        drop(pool);
        done.map_err(failed)?;
        Ok(out)
    }
}

/// Dictionaries ready for use; neighbouring segments mostly have the same one.
#[derive(Default)]
pub(crate) struct Dictionaries {
    recent: Mutex<Vec<(u32, Arc<DDict<'static>>)>>,
}

impl Dictionaries {
    /// `crc` is that of the dictionary's bytes, which `load` reads.
    pub(crate) fn get(&self, crc: u32, load: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Arc<DDict<'static>>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, dictionary)) = recent.iter().find(|(held, _)| *held == crc) {
            return Ok(Arc::clone(dictionary));
        }
        let bytes = load()?;
        if crc32fast::hash(&bytes) != crc {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the dictionary's checksum does not match"));
        }
        let dictionary = Arc::new(DDict::try_create(&bytes).ok_or_else(no_memory)?);
        if recent.len() >= POOL_MAX {
            recent.remove(0);
        }
        recent.push((crc, Arc::clone(&dictionary)));
        Ok(dictionary)
    }
}

fn no_memory() -> io::Error {
    io::ErrorKind::OutOfMemory.into()
}

fn failed(code: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, get_error_name(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(number: usize) -> Vec<u8> {
        let digest = hutong_audit::digest(&number.to_le_bytes());
        let mut text = String::from("MSH|^~\\&|HIS|县人民医院|");
        for byte in digest {
            text.push_str(&format!("OBX|{byte}|NM|GLU^葡萄糖||{}|mmol/L|3.9-6.1|N\r", byte ^ 0x55));
        }
        text.into_bytes()
    }

    #[test]
    fn what_is_compressed_is_decompressed_with_and_without_dictionary() {
        let samples: Vec<_> = (0..400).map(sample).collect();
        let trained = train(&samples, 64 << 20);
        assert!(!trained.is_empty());
        assert!(train(&samples[..SAMPLES_MIN - 1], 64 << 20).is_empty());
        let mut sizes = Vec::new();
        for dictionary in [&[][..], &trained] {
            let mut compressor = Compressor::new(dictionary).unwrap();
            let prepared = (!dictionary.is_empty()).then(|| DDict::try_create(dictionary).unwrap());
            let decompressors = Decompressors::default();
            let mut size = 0;
            for number in 1_000..1_020 {
                let compressed = compressor.compress(&sample(number)).unwrap();
                size += compressed.len();
                assert_eq!(decompressors.decompress(compressed, prepared.as_ref(), 1 << 20).unwrap(), sample(number));
                assert!(decompressors.decompress(compressed, prepared.as_ref(), 100).is_err(), "over the limit");
                let mut changed = compressed.to_vec();
                changed.truncate(changed.len() - 1);
                assert!(decompressors.decompress(&changed, prepared.as_ref(), 1 << 20).is_err());
            }
            sizes.push(size);
        }
        assert!(sizes[1] * 3 < sizes[0] * 2, "the dictionary helps: {sizes:?}");
    }

    #[test]
    fn a_dictionary_is_read_once_and_checked() {
        let dictionaries = Dictionaries::default();
        let bytes = b"some raw content of a dictionary".to_vec();
        let crc = crc32fast::hash(&bytes);
        assert!(dictionaries.get(crc ^ 1, || Ok(bytes.clone())).is_err());
        dictionaries.get(crc, || Ok(bytes.clone())).unwrap();
        dictionaries.get(crc, || panic!("read again")).unwrap();
    }

    #[test]
    fn training_reads_a_bounded_part() {
        assert_eq!(sample_step(100, 1_000), 1);
        assert_eq!(sample_step(10_000, 64 << 20), 16);
        assert_eq!(sample_step(3, 600 << 20), 3);
    }
}

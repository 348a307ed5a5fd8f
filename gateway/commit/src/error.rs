//! What can go wrong in the store, for senders' answers and for the operator.

use std::io;

/// Why the store did not do what it was asked; the texts hold no patient data.
#[derive(Debug)]
pub enum StoreError {
    /// A write or sync failed, or the store is closing: nothing more is accepted until it is opened again.
    Stopped,
    /// The disk is full up to the reserve. Nothing was stored; it goes on by itself when there is space.
    Full,
    /// More is waiting to be written than the limit allows.
    Busy,
    /// The entry is longer than an entry may be (bytes).
    TooLarge { bytes: usize, limit: usize },
    /// Another process has this directory open.
    Locked,
    /// Entry `seq`, acknowledged once, cannot be read any more.
    Damaged { seq: u64, file: String, offset: u64, why: String },
    /// There is no such entry.
    Missing { seq: u64 },
    /// The operating system refused; `step` says what was tried.
    Io { step: &'static str, error: io::Error },
    /// The projection refused.
    Projection(String),
}

impl StoreError {
    pub(crate) fn io(step: &'static str) -> impl FnOnce(io::Error) -> StoreError {
        move |error| StoreError::Io { step, error }
    }

    /// The text of [`std::fmt::Display`] in Chinese.
    pub fn zh(&self) -> String {
        match self {
            StoreError::Stopped => "存储已停止接收，需重新启动".into(),
            StoreError::Full => "磁盘空间已降至保留区，暂不接收；空间恢复后自动继续".into(),
            StoreError::Busy => "待写入的数据超过上限，请稍后重试".into(),
            StoreError::TooLarge { bytes, limit } => format!("记录长 {bytes} 字节，超过上限 {limit} 字节"),
            StoreError::Locked => "该数据目录正被另一个进程使用".into(),
            StoreError::Damaged { seq, file, offset, why } => {
                format!("日志已损坏：第 {seq} 条（{file}，偏移 {offset}）：{why}；该条曾经确认，请从备份恢复后再启动")
            }
            StoreError::Missing { seq } => format!("日志中没有第 {seq} 条"),
            StoreError::Io { step, error } => format!("{step} 失败：{error}"),
            StoreError::Projection(why) => format!("查询库出错：{why}"),
        }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreError::Stopped => f.write_str("the store has stopped accepting and must be opened again"),
            StoreError::Full => f.write_str("the disk is full up to the reserve; accepting goes on by itself when there is space"),
            StoreError::Busy => f.write_str("too much is waiting to be written"),
            StoreError::TooLarge { bytes, limit } => write!(f, "the entry has {bytes} bytes, the limit is {limit}"),
            StoreError::Locked => f.write_str("another process has this data directory open"),
            StoreError::Damaged { seq, file, offset, why } => write!(
                f,
                "the journal is damaged at entry {seq} ({file}, offset {offset}): {why}; it was acknowledged once, restore it from a backup"
            ),
            StoreError::Missing { seq } => write!(f, "the journal has no entry {seq}"),
            StoreError::Io { step, error } => write!(f, "{step}: {error}"),
            StoreError::Projection(why) => write!(f, "projection: {why}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}

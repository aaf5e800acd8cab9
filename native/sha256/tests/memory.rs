//! The memory that pools take and give back, counted at the allocator: how much one operation asks for and copies
//! however large the pool is, and how much a page without files takes. Refused memory is an error that changes nothing.

#![allow(unsafe_code, reason = "a global allocator that counts and refuses")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use stream_sum_sha256::{
    Backend, FailureKind, PAGE_BYTES, PAGES_MAX, PageError, Pool, RECORD_HEADER_BYTES, SUM_BYTES, SlotError, SlotPool,
};

/// The requests of this thread.
#[derive(Clone, Copy, Default)]
struct Asked {
    held: isize,
    /// Bytes in allocations since the last reset that were filled at once, and bytes that were moved.
    moved: usize,
    largest: usize,
    /// Allocations until one is refused.
    until_refusal: Option<usize>,
}

thread_local! {
    static ASKED: Cell<Asked> = const {
        Cell::new(Asked { held: 0, moved: 0, largest: 0, until_refusal: None })
    };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts a request; false if this one is to be refused. It copies `moved` bytes.
fn grant(freed: usize, bytes: usize, moved: usize) -> bool {
    let mut asked = ASKED.get();
    if bytes > freed {
        match &mut asked.until_refusal {
            Some(0) => return false,
            Some(left) => *left -= 1,
            None => {}
        }
    }
    asked.held += bytes as isize - freed as isize;
    asked.moved += moved;
    asked.largest = asked.largest.max(bytes);
    ASKED.set(asked);
    true
}

// SAFETY: all calls go to the system's allocator as they came, or are refused, which is allowed.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !grant(0, layout.size(), 0) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        grant(layout.size(), 0, 0);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if !grant(layout.size(), bytes, layout.size().min(bytes)) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

/// What `operation` asked for.
fn asked<R>(operation: impl FnOnce() -> R) -> (R, Asked) {
    let before = ASKED.get();
    ASKED.set(Asked { held: 0, moved: 0, largest: 0, ..before });
    let result = operation();
    let asked = ASKED.get();
    ASKED.set(Asked { held: before.held + asked.held, until_refusal: None, ..before });
    (result, asked)
}

/// As `asked`, but refuses the allocation after the first `granted`.
fn with_refusal<R>(granted: usize, operation: impl FnOnce() -> R) -> (R, Asked) {
    asked(|| {
        ASKED.set(Asked { until_refusal: Some(granted), ..ASKED.get() });
        let result = operation();
        // A later allocation would be granted again.
        ASKED.set(Asked { until_refusal: None, ..ASKED.get() });
        result
    })
}

fn backend() -> Backend {
    Backend::selected().unwrap()
}

/// One record of one byte for each of `files`; with `bytes` 0 the records end the files.
fn batch(files: std::ops::Range<u32>, sequence: u32, bytes: u32) -> Vec<u8> {
    let mut payload = Vec::with_capacity(files.len() * (RECORD_HEADER_BYTES + 1));
    for file in files {
        payload.extend_from_slice(&bytes.to_le_bytes());
        payload.extend_from_slice(&sequence.to_le_bytes());
        payload.extend_from_slice(b"producer\0\0\0\0");
        payload.extend_from_slice(&file.to_be_bytes());
        payload.extend(std::iter::repeat_n(7, bytes as usize));
    }
    payload
}

/// A pool with `files` open.
fn pool_of(files: u32) -> Pool {
    let mut pool = Pool::new(backend());
    assert_eq!(pool.fold(&batch(0..files, 1, 1), files as usize, 0, &mut []), Ok(0));
    pool
}

const MANY: u32 = if cfg!(miri) { 300 } else { 500_000 };

/// Lists that moved once to their final place, and a chunk.
const STEP_BYTES: usize = 64 << 10;

#[test]
fn opening_a_stream_takes_a_chunk_at_most_and_copies_none_however_many_there_are() {
    let mut pool = SlotPool::new(backend());
    let mut moved = 0;
    for _ in 0..MANY {
        let before = pool.memory_bytes();
        let (slot, asked) = asked(|| pool.open());
        assert!(slot.is_ok());
        assert!(pool.memory_bytes() - before <= STEP_BYTES);
        assert!(asked.moved <= 4096, "{} bytes copied", asked.moved);
        moved += asked.moved;
    }
    assert!(moved <= 16_384, "{moved} bytes copied in all");
}

#[test]
fn a_file_more_takes_a_chunk_and_a_segment_at_most_and_copies_none_however_many_there_are() {
    let mut pool = Pool::new(backend());
    for file in 0..MANY / 4 {
        let before = pool.memory_bytes();
        let record = batch(file..file + 1, 1, 1);
        let (folded, asked) = asked(|| pool.fold(&record, 1, 0, &mut []));
        assert_eq!(folded, Ok(0));
        assert!(pool.memory_bytes() - before <= STEP_BYTES);
        assert!(asked.moved <= 4096, "{} bytes copied at file {file}", asked.moved);
    }
}

#[test]
fn a_page_without_files_takes_nothing_and_the_last_page_what_one_file_takes() {
    let last = PAGES_MAX - 1;
    let mut pool = Pool::new(backend());
    let (loaded, empty) = asked(|| pool.load_page(last, &[0; PAGE_BYTES]));
    assert_eq!((loaded, empty.held, pool.page_count()), (Ok(()), 0, PAGES_MAX));
    let mut page = vec![0; PAGE_BYTES];
    assert_eq!(pool_of(1).take_dirty_pages(&mut [0], &mut page), Some(1));
    let before = pool.memory_bytes();
    pool.load_page(last - 1, &page).unwrap();
    // A list of missing chunks takes 8 bytes for each chunk of 16 KiB.
    assert!(pool.memory_bytes() - before <= (2 << 20) + STEP_BYTES, "{}", pool.memory_bytes() - before);
    assert_eq!((pool.open_files(), pool.page_count(), pool.dirty_pages()), (1, PAGES_MAX, 0));
    // The next file goes to the lowest slot.
    assert_eq!(pool.fold(&batch(1..2, 1, 1), 1, 0, &mut []), Ok(0));
    assert_eq!(pool.take_dirty_pages(&mut [9], &mut page), Some(1));
}

#[test]
fn what_a_refused_batch_took_and_what_is_cleared_is_given_back() {
    let files = if cfg!(miri) { 60 } else { 100_000 };
    let mut pool = pool_of(50);
    let before = pool.memory_bytes();
    let mut payload = batch(50..50 + files, 1, 1);
    payload.extend_from_slice(&batch(0..1, 7, 1));
    let (refused, asked_for) = asked(|| pool.fold(&payload, files as usize + 1, 0, &mut []));
    assert_eq!(refused.map_err(|failure| failure.kind), Err(FailureKind::Sequence));
    assert_eq!((pool.open_files(), pool.page_count()), (50, 2));
    // Lists and the plan stay, as much as a short batch needs.
    assert!(pool.memory_bytes() <= before + (4 << 20), "{} from {before}", pool.memory_bytes());
    assert!(asked_for.held <= 8 << 20, "{} bytes kept", asked_for.held);
    let mut filled = pool_of(files);
    filled.clear();
    assert!(filled.memory_bytes() <= Pool::new(backend()).memory_bytes());
}

#[test]
fn what_files_that_ended_took_is_given_back() {
    let files = if cfg!(miri) { 60 } else { 100_000 };
    let mut pool = pool_of(files);
    let filled = pool.memory_bytes();
    let mut sums = vec![0; files as usize * SUM_BYTES];
    assert_eq!(pool.fold(&batch(0..files, 2, 0), files as usize, 0, &mut sums), Ok(files as usize));
    assert!(cfg!(miri) || pool.memory_bytes() <= filled / 4, "{} of {filled}", pool.memory_bytes());
    let mut streams = SlotPool::new(backend());
    let slots = (0..files).map(|_| streams.open().unwrap()).collect::<Vec<_>>();
    let filled = streams.memory_bytes();
    streams.finish(&slots, &mut vec![0; slots.len() * 32]).unwrap();
    assert!(cfg!(miri) || streams.memory_bytes() <= filled / 4, "{} of {filled}", streams.memory_bytes());
}

/// Files with their states, as stored.
fn pages_of(pool: &mut Pool) -> Vec<u8> {
    let mut pages = vec![0; pool.dirty_pages() * PAGE_BYTES];
    pool.take_dirty_pages(&mut vec![0; pages.len() / PAGE_BYTES], &mut pages).unwrap();
    pages
}

#[test]
fn memory_that_is_refused_at_any_allocation_is_an_error_and_changes_nothing() {
    let files = if cfg!(miri) { 40 } else { 3_000 };
    let payload = batch(0..files, 1, 1);
    let more = batch(files..2 * files, 1, 1);
    let expected = {
        let mut pool = pool_of(files);
        pool.fold(&more, files as usize, 0, &mut []).unwrap();
        pages_of(&mut pool)
    };
    let mut refusals = 0;
    for granted in 0.. {
        let mut pool = Pool::new(backend());
        pool.fold(&payload, files as usize, 0, &mut []).unwrap();
        let (folded, _) = with_refusal(granted, || pool.fold_to_vec(&more, files as usize, 0));
        match folded {
            Ok(sums) => {
                assert!(sums.is_empty());
                break;
            }
            Err(failure) => assert_eq!(failure.kind, FailureKind::Full),
        }
        refusals += 1;
        assert_eq!((pool.open_files(), pool.page_count()), (files as usize, (files as usize).div_ceil(31)));
        pool.fold(&more, files as usize, 0, &mut []).unwrap();
        assert!(pages_of(&mut pool) == expected, "after {granted} allocations");
    }
    assert!(refusals > if cfg!(miri) { 0 } else { 10 }, "{refusals} refusals");
}

#[test]
fn memory_that_is_refused_for_sums_pages_and_streams_is_an_error() {
    let mut pool = pool_of(3);
    let before = pages_of(&mut pool);
    let ends = batch(0..3, 2, 0);
    let (folded, _) = with_refusal(0, || pool.fold_to_vec(&ends, 3, 0));
    let failure = folded.unwrap_err();
    assert_eq!((failure.kind, failure.needed), (FailureKind::Full, 3 * SUM_BYTES));
    assert_eq!(pool.open_files(), 3);
    for granted in 0..3 {
        let mut other = Pool::new(backend());
        let (loaded, _) = with_refusal(granted, || other.load_page(70_000, &before));
        assert_eq!((loaded, other.open_files(), other.page_count()), (Err(PageError::Memory), 0, 0));
        other.load_page(70_000, &before).unwrap();
        assert_eq!(other.open_files(), 3);
        let mut streams = SlotPool::new(backend());
        assert_eq!(with_refusal(granted, || streams.open()).0, Err(SlotError::Full));
        assert_eq!((streams.open(), streams.open_streams()), (Ok(0), 1));
    }
}

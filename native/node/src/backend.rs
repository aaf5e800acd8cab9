//! Which backend hashes in this process.

use napi_derive::napi;
use stream_sum_sha256::Backend;

use crate::arguments::{ErrorCode, Result, error};

/// The backend of this process. The environment may name a backend that cannot be used.
pub fn backend() -> Result<Backend> {
    Backend::selected().map_err(|cause| error(ErrorCode::Backend, cause))
}

/// The name of the backend that hashes in this process. It is chosen at the first call of any function here.
#[napi]
pub fn selected_backend() -> Result<&'static str> {
    Ok(backend()?.name())
}

/// The names of the backends that this CPU can run.
#[napi]
pub fn available_backends() -> Vec<&'static str> {
    Backend::available().iter().map(|backend| backend.name()).collect()
}

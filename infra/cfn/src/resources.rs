//! AWS's resource types, one module a service.

use crate::schema::ResourceSchema;

pub(crate) static SCHEMAS: &[&ResourceSchema] = &[];

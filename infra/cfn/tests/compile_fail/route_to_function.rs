//! A route leads to an integration, and that to a function.

use cfn::{
    Handle,
    constructs::{Function, HttpApi},
    resources::apigatewayv2::Route,
};

fn wrong(api: &Handle<HttpApi>, function: &Handle<Function>) {
    Route { target: Some(function.arn().into()), ..Route::new(api.api_id(), "GET /".into()) };
}

fn main() {}

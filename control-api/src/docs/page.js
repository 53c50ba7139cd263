// Renders the OpenAPI document. Text only ever goes in as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const any = schema.oneOf || schema.anyOf || schema.allOf;
  if (any) return any.map(typeOf).join(" | ");
  if (schema.type === "array") return typeOf(schema.items) + "[]";
  return [].concat(schema.type || "any").join(" | ");
}

function typeCell(schema) {
  const cell = make("td");
  const text = typeOf(schema);
  const name = text.split(" | ").find((part) => document.getElementById("schema-" + part.replace("[]", "")));
  if (!name) return cell.append(make("code", text)), cell;
  const link = make("a", text);
  link.href = "#schema-" + name.replace("[]", "");
  cell.append(link);
  return cell;
}

function table(head, rows) {
  const body = make("table");
  const first = body.insertRow();
  for (const title of head) first.append(make("th", title));
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) line.append(cell instanceof Node ? cell : make("td", cell));
  }
  return body;
}

function bodySchema(content) {
  const types = Object.entries(content || {});
  return types.length ? types[0][1].schema : undefined;
}

function operation(path, method, item) {
  const box = make("details");
  box.id = item.operationId || method + path;
  const head = make("summary");
  head.append(make("span", method.toUpperCase(), "method"), make("code", path), " ");
  const [needed] = item.security || [];
  if (needed) head.append(make("span", needed.bearer[0], "lock"), " ");
  head.append(make("span", item.summary || "", "what"));
  if (item.deprecated) head.append(" ", make("span", "deprecated", "lock"));
  box.append(head);
  if (item.deprecated) box.append(make("p", "Do not begin with it" + (item["x-sunset"] ? ": from " + item["x-sunset"] + " on it may be gone." : ".")));
  if (item.description) box.append(make("p", item.description));
  const parameters = (item.parameters || []).map((p) => [
    p.name, p.in, typeCell(p.schema), (p.required ? "required. " : "") + (p.description || ""),
  ]);
  if (parameters.length) box.append(make("h4", "Parameters"), table(["name", "in", "type", ""], parameters));
  if (item.requestBody) {
    const types = Object.keys(item.requestBody.content || {}).join(", ");
    box.append(make("h4", "Body"), table(["media type", "schema"], [[types, typeCell(bodySchema(item.requestBody.content))]]));
  }
  const answers = Object.entries(item.responses || {}).map(([status, answer]) => [
    status, typeCell(bodySchema(answer.content)), answer.description || "",
  ]);
  box.append(make("h4", "Answers"), table(["status", "schema", ""], answers));
  return box;
}

function schema(name, item) {
  const box = make("details");
  box.id = "schema-" + name;
  box.append(make("summary", name));
  if (item.description) box.append(make("p", item.description));
  return box;
}

function fillSchema(name, item) {
  const required = new Set(item.required || []);
  const rows = Object.entries(item.properties || {}).map(([field, of]) => [
    field + (required.has(field) ? "" : "?"), typeCell(of), of.description || "",
  ]);
  document.getElementById("schema-" + name).append(
    rows.length ? table(["field", "type", ""], rows) : make("pre", JSON.stringify(item, null, 2)));
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) { target.open = true; target.scrollIntoView(); }
}

async function main() {
  const answer = await fetch("/api/openapi.json");
  if (!answer.ok) throw new Error("the server answered " + answer.status);
  const spec = await answer.json();
  document.getElementById("summary").textContent = spec.info.title + " " + spec.info.version + ". " + (spec.info.description || "");
  const schemas = Object.entries((spec.components || {}).schemas || {}).sort();
  const list = document.getElementById("schemas");
  list.append(make("h2", "Schemas"));
  for (const [name, item] of schemas) list.append(schema(name, item));
  for (const [name, item] of schemas) fillSchema(name, item);
  const groups = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((method) => item[method])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, method, item[method]));
    }
  }
  for (const [tag, boxes] of groups) {
    const heading = make("h2", tag);
    heading.id = "tag-" + tag;
    document.getElementById("operations").append(heading, ...boxes);
    const link = make("a", tag);
    link.href = "#" + heading.id;
    document.getElementById("tags").append(link);
  }
  openTarget();
  addEventListener("hashchange", openTarget);
}

main().catch((error) => { document.getElementById("summary").textContent = "The document could not be read: " + error.message; });

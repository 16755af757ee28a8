// Renders openapi.json as a page on which every operation can be tried out. Texts only ever
// become text nodes, so nothing in the description or in an answer can become markup.
"use strict";

// The address of the service, also below a path of a reverse proxy: without a slash at its end.
const HERE = new URL(".", location.href).href.slice(0, -1);
const METHODS = ["get", "post", "patch", "put", "delete"];

/** An element with attributes, handlers (onclick: …) and children (nodes or texts). */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child != null));
  return made;
}

/** Text with `code` in it. */
function prose(text) {
  return (text ?? "").split("`").map((part, i) => (i % 2 ? element("code", {}, part) : part));
}

function paragraphs(text) {
  return (text ?? "").trim().split(/\n\s*\n/).filter(Boolean)
    .map((each) => element("p", {}, prose(each)));
}

class Description {
  constructor(document_) { this.document = document_; }

  /** What a $ref points to, with what stands beside the $ref on top. */
  resolve(node) {
    if (!node || !node.$ref) return node ?? {};
    const path = node.$ref.slice(2).split("/").map((s) => s.replaceAll("~1", "/").replaceAll("~0", "~"));
    const { $ref, ...beside } = node;
    return { ...this.resolve(path.reduce((at, key) => at[key], this.document)), ...beside };
  }

  operations() {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]).map((method) => ({
        path, method, ...item[method],
        parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])]
          .map((parameter) => this.resolve(parameter)),
        needsToken: (item[method].security ?? this.document.security ?? []).length > 0,
      })));
  }

  /** A schema in a few words: "integer, 0 to 9, or null". */
  kind(schema) {
    schema = this.resolve(schema);
    if (schema.anyOf) return schema.anyOf.map((each) => this.kind(each)).join(" or ");
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
    const types = [schema.type ?? "any"].flat();
    const words = types.filter((type) => type !== "null")
      .map((type) => (type === "array" ? `array of ${this.kind(schema.items)}` : type));
    if (schema.minimum !== undefined && schema.maximum !== undefined) words.push(`${schema.minimum} to ${schema.maximum}`);
    else if (schema.minimum !== undefined) words.push(`at least ${schema.minimum}`);
    if (schema.maxLength) words.push(`at most ${schema.maxLength} characters`);
    if (schema.minItems) words.push(`at least ${schema.minItems}`);
    if (types.includes("null")) words.push("or null");
    return words.join(", ");
  }

  /** The examples of a media type as [name, value]. */
  examples(media) {
    if (media?.example !== undefined) return [["example", media.example]];
    return Object.entries(media?.examples ?? {})
      .map(([name, example]) => [example.summary ?? name, this.resolve(example).value]);
  }
}

function fieldTable(description, rows, caption) {
  return element("div", { class: "wide" }, element("table", {},
    element("caption", { class: "faint" }, caption),
    element("thead", {}, element("tr", {}, ["Name", "Kind", "Meaning"]
      .map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, rows.map(([name, schema, meaning, required]) => element("tr", {},
      element("td", {}, element("code", {}, name), required ? " *" : ""),
      element("td", {}, description.kind(schema)),
      element("td", {}, prose(meaning)))))));
}

function responseList(description, operation) {
  return Object.entries(operation.responses).map(([status, raw]) => {
    const response = description.resolve(raw);
    const media = response.content?.["application/json"];
    return element("details", {},
      element("summary", {}, element("code", {}, status), " ", prose(response.description)),
      description.examples(media).map(([, value]) =>
        element("pre", { tabindex: "0" }, JSON.stringify(value, null, 2))));
  });
}

/** The form that sends a request, and shows what came back. */
function tryOut(description, operation) {
  const inputs = new Map();
  const fields = operation.parameters.map((parameter) => {
    const id = `${operation.operationId}-${parameter.name}`;
    const choices = description.resolve(parameter.schema).enum;
    const input = choices
      ? element("select", { id }, element("option", { value: "" }, "left out"),
          choices.map((choice) => element("option", { value: choice }, choice)))
      : element("input", { id, spellcheck: "false", placeholder: String(parameter.example ?? "") });
    if (parameter.required) input.value = parameter.example ?? "";
    inputs.set(parameter, input);
    return element("div", {}, element("label", { for: id }, parameter.name, parameter.required ? " *" : ""), input);
  });

  const media = operation.requestBody?.content["application/json"];
  const bodyId = `${operation.operationId}-body`;
  const samples = media ? description.examples(media) : [];
  const body = media && element("textarea", { id: bodyId, spellcheck: "false" });
  if (body) body.value = JSON.stringify(samples[0]?.[1] ?? {}, null, 2);
  const answer = element("div", { class: "answer", role: "status" });

  const request = () => {
    let path = operation.path;
    const query = new URLSearchParams();
    for (const [parameter, input] of inputs) {
      if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value !== "") query.append(parameter.name, input.value);
    }
    const headers = {};
    const token = document.getElementById("token").value.trim();
    if (operation.needsToken && token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const url = HERE + path + (query.size ? `?${query}` : "");
    return { url, method: operation.method.toUpperCase(), headers, body: body?.value };
  };

  const send = async (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    const { url, ...rest } = request();
    button.disabled = true;
    answer.replaceChildren("Waiting for the answer …");
    const began = performance.now();
    try {
      const reply = await fetch(url, { ...rest, cache: "no-store" });
      const text = await reply.text();
      const took = Math.round(performance.now() - began);
      answer.replaceChildren(
        element("p", { class: reply.ok ? "good" : "bad" },
          element("strong", {}, `${reply.status} ${reply.statusText}`), ` in ${took} ms`),
        element("pre", { tabindex: "0", "aria-label": "Answer" }, indented(text)));
    } catch (error) {
      answer.replaceChildren(element("p", { class: "bad" }, `No answer: ${error.message}`));
    } finally {
      button.disabled = false;
    }
  };

  const showCurl = () => answer.replaceChildren(
    element("pre", { tabindex: "0", "aria-label": "curl command" }, curl(request())));

  const form = element("form", { onsubmit: send, autocomplete: "off" }, element("fieldset", {},
    element("legend", {}, "Try it"),
    fields.length ? element("div", { class: "fields" }, fields) : null,
    body ? [element("label", { for: bodyId }, "Body"), body] : null,
    element("div", { class: "buttons" },
      element("button", { type: "submit" }, "Send"),
      element("button", { type: "button", class: "quiet", onclick: showCurl }, "Show curl"),
      samples.length > 1 ? samples.map(([name, value]) => element("button", {
        type: "button", class: "quiet",
        onclick: () => { body.value = JSON.stringify(value, null, 2); },
      }, name)) : null),
    answer));
  return form;
}

function indented(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

/** The request as a command for a POSIX shell; the token is left to the reader to put in. */
function curl({ url, method, headers, body }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const shown = { ...headers };
  if (shown.Authorization) shown.Authorization = "Bearer <API_TOKEN>";
  const parts = [`curl --request ${method}`, `--url ${quoted(url)}`,
    ...Object.entries(shown).map(([name, value]) => `--header ${quoted(`${name}: ${value}`)}`)];
  if (body !== undefined) parts.push(`--data ${quoted(body)}`);
  return parts.join(" \\\n  ");
}

function operationArticle(description, operation) {
  const schema = description.resolve(operation.requestBody?.content["application/json"].schema);
  const properties = Object.entries(schema.properties ?? {});
  return element("article", { id: operation.operationId, "aria-labelledby": `${operation.operationId}-h` },
    element("div", { class: "head" },
      element("h3", { id: `${operation.operationId}-h` }, operation.summary),
      element("p", { class: "path" },
        element("span", { class: `method ${operation.method}` }, operation.method.toUpperCase()), operation.path)),
    element("div", { class: "inside" },
      paragraphs(operation.description),
      operation.parameters.length ? fieldTable(description, operation.parameters.map((each) =>
        [each.name, each.schema, each.description, each.required]), "Parameters (* is required)") : null,
      properties.length ? fieldTable(description, properties.map(([name, each]) =>
        [name, each, description.resolve(each).description, schema.required?.includes(name)]),
        "Body (* is required)") : null,
      element("h4", {}, "Answers"), responseList(description, operation),
      tryOut(description, operation)));
}

function render(description) {
  const { info, tags } = description.document;
  document.getElementById("title").textContent = `${info.title} ${info.version}: API reference`;
  const operations = description.operations();
  const contents = document.getElementById("contents");
  const sections = tags.map((tag) => {
    const own = operations.filter((operation) => operation.tags.includes(tag.name));
    contents.append(element("strong", {}, tag.name), element("ul", {}, own.map((operation) =>
      element("li", {}, element("a", { href: `#${operation.operationId}` }, operation.summary)))));
    return element("section", { "aria-label": tag.name }, element("h2", {}, tag.name),
      element("p", { class: "faint" }, tag.description),
      own.map((operation) => operationArticle(description, operation)));
  });
  document.getElementById("operations").replaceChildren(...paragraphs(info.description), ...sections);
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

async function start() {
  try {
    const reply = await fetch("openapi.json");
    render(new Description(await reply.json()));
  } catch (error) {
    document.getElementById("notice").textContent = `The description could not be loaded: ${error.message}`;
  }
}

start();

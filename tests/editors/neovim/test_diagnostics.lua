local t = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/harness.lua')

local DOCKERFILE = [[
FROM debian:12 as base
MAINTAINER someone@example.com
COPY missing.txt .
FROM base AS Last
CMD echo ü $NOBODY
]]

local FOUND = {
  '1:16 from-as-casing',
  '2:1 maintainer',
  '4:14 stage-name-casing',
  '5:1 json-args-recommended',
}

t.run({
  {
    'attaches to what is a Dockerfile by its name, with the repository as workspace',
    function()
      local client, folder = t.open('FROM a\n', { ['sub/Dockerfile.dev'] = 'FROM b\n', ['main.go'] = 'package main\n' })
      t.same(client.root_dir, folder)
      t.same(client.config.cmd, { 'layerwise', 'lsp' })
      vim.cmd.edit(folder .. '/sub/Dockerfile.dev')
      t.same(t.attached().id, client.id)
      vim.cmd.edit(folder .. '/main.go')
      t.same(vim.lsp.get_clients({ bufnr = 0 }), {})
    end,
  },
  {
    'shows diagnostics at their places',
    function()
      t.open(DOCKERFILE)
      t.diagnosed(FOUND)
      local maintainer = vim.diagnostic.get(0, { lnum = 1 })[1]
      t.same(maintainer.source, 'layerwise')
      t.same(maintainer.severity, vim.diagnostic.severity.INFO)
      t.same(maintainer.end_lnum, 1)
    end,
  },
  {
    'follows edits: each keystroke, undo, a broken line',
    function()
      t.open(DOCKERFILE)
      t.diagnosed(FOUND)
      -- In insert mode, as a user types it.
      vim.api.nvim_feedkeys(vim.keycode('ggix<Esc>'), 'xt', false)
      t.same(vim.api.nvim_buf_get_lines(0, 0, 1, false), { 'xFROM debian:12 as base' })
      t.wait('the syntax error', function()
        return t.diagnostics()[1] == '1:1 unknown-instruction'
      end)
      -- The other findings stay where a line is broken.
      t.wait('the other findings', function()
        return vim.tbl_contains(t.diagnostics(), '2:1 maintainer')
      end)
      vim.cmd.undo()
      t.diagnosed(FOUND)
      vim.api.nvim_buf_set_lines(0, 0, 2, false, { 'FROM debian:12 AS base' })
      t.diagnosed({ '3:14 stage-name-casing', '4:1 json-args-recommended' })
    end,
  },
})

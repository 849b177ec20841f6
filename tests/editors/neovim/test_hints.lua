local t = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/harness.lua')

local DOCKERFILE = [[
FROM debian:12 AS build
WORKDIR /src
RUN make one
RUN make two
FROM scratch
COPY --from=build /src/out /
]]

--- The hints that the client holds, as `LINE label`, lines from 1.
local function hints()
  local found = vim.tbl_map(function(h)
    local label = h.inlay_hint.label
    if type(label) == 'table' then
      label = table.concat(vim.tbl_map(function(part)
        return part.value
      end, label))
    end
    return ('%d %s'):format(h.inlay_hint.position.line + 1, vim.trim(label))
  end, vim.lsp.inlay_hint.get({ bufnr = 0 }))
  table.sort(found)
  return found
end

--- What is drawn, in the same form.
local function drawn()
  vim.cmd('redraw!')
  local namespace = vim.api.nvim_get_namespaces()['nvim.lsp.inlayhint']
  local found = vim.tbl_map(function(mark)
    local text = vim.tbl_map(function(chunk)
      return chunk[1]
    end, mark[4].virt_text)
    return ('%d %s'):format(mark[2] + 1, vim.trim(table.concat(text)))
  end, vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true }))
  table.sort(found)
  return found
end

--- The hints without their estimates.
local function labels(of)
  return vim.tbl_map(function(text)
    return (text:gsub(' ~.*', ''))
  end, of())
end

local function shows(expected)
  local last
  local ok = vim.wait(t.PATIENCE, function()
    last = labels(hints)
    return vim.deep_equal(last, expected)
  end, 10)
  assert(ok, 'expected ' .. vim.inspect(expected) .. ', got ' .. vim.inspect(last))
  t.same(labels(drawn), expected)
end

t.run({
  {
    'an edit shows which steps will be rebuilt, until it is taken back or built; saving builds nothing',
    function()
      t.open(DOCKERFILE)
      vim.lsp.inlay_hint.enable(true, { bufnr = 0 })
      local edited = { '3 rebuilds', '4 rebuilds', '6 may rebuild' }
      vim.api.nvim_buf_set_text(0, 2, 12, 2, 12, { ' two' })
      shows(edited)
      vim.api.nvim_buf_set_text(0, 2, 12, 2, 16, { '' })
      shows({})
      vim.api.nvim_buf_set_text(0, 2, 12, 2, 12, { ' two' })
      shows(edited)
      vim.cmd('silent write')
      t.same(labels(hints), edited)
      vim.cmd('Layerwise built')
      shows({})
    end,
  },
  {
    'hints keep their place while one types',
    function()
      t.open(DOCKERFILE)
      vim.lsp.inlay_hint.enable(true, { bufnr = 0 })
      vim.api.nvim_buf_set_text(0, 2, 12, 2, 12, { ' two' })
      shows({ '3 rebuilds', '4 rebuilds', '6 may rebuild' })
      -- Each state that is drawn from here on has the same labels, in the same order.
      local seen = {}
      for _, char in ipairs(vim.split('R UN x y z', '')) do
        local line = vim.api.nvim_buf_get_lines(0, 3, 4, false)[1]
        vim.api.nvim_buf_set_text(0, 3, #line, 3, #line, { char })
        vim.wait(30)
        seen[table.concat(
          vim.tbl_map(function(text)
            return (text:gsub('^%d+ ', ''))
          end, labels(drawn)),
          ', '
        )] =
          true
      end
      t.same(vim.tbl_keys(seen), { 'rebuilds, rebuilds, may rebuild' })
      -- A new line above moves them.
      vim.api.nvim_buf_set_lines(0, 1, 1, false, { '# a comment' })
      shows({ '4 rebuilds', '5 rebuilds', '7 may rebuild' })
    end,
  },
})

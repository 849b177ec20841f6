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

t.run({
  {
    'an edit shows which steps will be rebuilt, until it is taken back or saved',
    function()
      t.open(DOCKERFILE)
      vim.lsp.inlay_hint.enable(true, { bufnr = 0 })
      local function shows(expected)
        local last
        local ok = vim.wait(t.PATIENCE, function()
          last = hints()
          return vim.deep_equal(last, expected)
        end, 10)
        assert(ok, 'expected ' .. vim.inspect(expected) .. ', got ' .. vim.inspect(last))
        t.same(drawn(), expected)
      end
      local edited = { '3 rebuilds', '4 rebuilds', '6 may rebuild' }
      vim.api.nvim_buf_set_text(0, 2, 12, 2, 12, { ' two' })
      shows(edited)
      vim.api.nvim_buf_set_text(0, 2, 12, 2, 16, { '' })
      shows({})
      vim.api.nvim_buf_set_text(0, 2, 12, 2, 12, { ' two' })
      shows(edited)
      vim.cmd('silent write')
      shows({})
    end,
  },
})

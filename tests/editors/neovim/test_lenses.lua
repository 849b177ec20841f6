local t = dofile(vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2)) .. '/harness.lua')

local DOCKERFILE = [[
FROM debian:12 AS build
RUN make one
RUN make two
FROM scratch
COPY --from=build /src/out /
]]

--- The lenses that the client shows, as `LINE title`, lines from 1, without estimates.
local function lenses()
  local found = vim.tbl_map(function(lens)
    return ('%d %s'):format(lens.range.start.line + 1, (lens.command.title:gsub(', ~.*', '')))
  end, vim.lsp.codelens.get(0))
  table.sort(found)
  return found
end

local function become(expected)
  local last
  local ok = vim.wait(t.PATIENCE, function()
    last = lenses()
    return vim.deep_equal(last, expected)
  end, 10)
  assert(ok, 'expected ' .. vim.inspect(expected) .. ', got ' .. vim.inspect(last))
end

local QUIET = { '1 4 steps, all cached since it was opened', '1 build this stage', '4 build this stage' }

local EDITED = {
  '1 build this stage',
  '1 compared with the state when it was opened',
  '1 this edit: 1 of 3 steps rebuilds',
  '4 build this stage',
  '4 this edit: 1 of 1 step may rebuild',
}

t.run({
  {
    'lenses follow the plan by themselves once they are shown',
    function()
      t.open(DOCKERFILE)
      vim.lsp.codelens.refresh({ bufnr = 0 })
      become(QUIET)
      vim.api.nvim_buf_set_text(0, 2, 12, 2, 12, { 'x' })
      become(EDITED)
      t.wait('the figures', function()
        return vim.b.layerwise and vim.b.layerwise.summary.rebuilt == 1
      end)
      t.same(vim.b.layerwise.baseline.kind, 'opened')
      vim.cmd('Layerwise built')
      become({ '1 4 steps, all cached since the last build', '1 build this stage', '4 build this stage' })
      vim.cmd('Layerwise baseline opened')
      become(EDITED)
    end,
  },
  {
    'a stage is built in a terminal, by the client',
    function()
      -- In the place of docker: it says how it was called.
      local bin = vim.fn.tempname()
      vim.fn.mkdir(bin, 'p')
      vim.fn.writefile({ '#!/bin/sh', 'echo "called: $*" in "$PWD"', 'sleep 60' }, bin .. '/docker')
      vim.uv.fs_chmod(bin .. '/docker', 448)
      local path = vim.env.PATH
      vim.env.PATH = bin .. ':' .. path
      local client, folder = t.open(DOCKERFILE)
      vim.lsp.codelens.refresh({ bufnr = 0 })
      become(QUIET)
      local lens = vim.tbl_filter(function(lens)
        return lens.command.title == 'build this stage'
      end, vim.lsp.codelens.get(0))[1]
      client:exec_cmd(lens.command, { bufnr = 0 })
      local said = ('called: build --target build -f Dockerfile . in %s'):format(folder)
      t.wait('docker', function()
        return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), ''):find(said, 1, true)
      end)
      vim.fn.jobstop(vim.bo.channel)
      vim.cmd('bwipeout!')
      vim.env.PATH = path
    end,
  },
  {
    'commands say what they did, or why not',
    function()
      t.open(DOCKERFILE, { ['src/a'] = 'a' })
      local said = {}
      local notify = vim.notify
      vim.notify = function(message)
        said[#said + 1] = message
      end
      local function says(command, expected)
        said = {}
        vim.cmd(command)
        t.wait(command, function()
          return table.concat(said, '\n'):find(expected, 1, true)
        end)
      end
      says('Layerwise nonsense', 'no such command')
      says('Layerwise baseline build', 'No build of this file is known')
      says('Layerwise baseline none', 'compared with nothing')
      says('Layerwise touch src/*', 'changes nothing')
      says('Layerwise learn nowhere.log', 'nowhere.log')
      vim.notify = notify
    end,
  },
})

---@brief
---
--- Layerwise: a language server for Dockerfiles that knows what the next build will cost.
---
--- The workspace folder is the outermost place in which the server looks for the build context, so the repository comes
--- first among the root markers; the others are for folders that are not in one.
---
--- `:Layerwise` in a Dockerfile runs the server's commands; `vim.b.layerwise` has the plan in figures, for a status line.

--- Runs the command that builds a stage, in a terminal below.
local function build(command)
  local argument = command.arguments[1]
  vim.cmd('botright 15new')
  local options = { cwd = argument.cwd }
  if vim.fn.has('nvim-0.11') == 1 then
    options.term = true
    vim.fn.jobstart(argument.argv, options)
  else
    vim.fn.termopen(argument.argv, options)
  end
end

--- Runs a command of the server's on a buffer; `after` gets its answer.
local function run(client, bufnr, command, argument, after)
  argument = vim.tbl_extend('force', { uri = vim.uri_from_bufnr(bufnr) }, argument or {})
  client:request('workspace/executeCommand', { command = command, arguments = { argument } }, function(err, answer)
    if err then
      vim.notify('Layerwise: ' .. err.message, vim.log.levels.ERROR)
    elseif after then
      after(answer)
    end
  end, bufnr)
end

local function say(answer)
  vim.notify('Layerwise: ' .. answer)
end

--- The subcommands of `:Layerwise`: each gets the client, the buffer and the rest of the line.
local commands = {
  --- Compare with something else; without a name the server asks.
  baseline = function(client, bufnr, name)
    run(client, bufnr, 'layerwise.baseline', name and { baseline = name }, name and say)
  end,
  --- This is what was built last.
  built = function(client, bufnr)
    run(client, bufnr, 'layerwise.markBuilt')
  end,
  --- Build a stage (the last one without a name) in a terminal.
  build = function(client, bufnr, target)
    run(client, bufnr, 'layerwise.showBuild', { target = target }, function(command)
      build({ arguments = { command } })
    end)
  end,
  --- The plan as a page in the browser.
  page = function(client, bufnr)
    run(client, bufnr, 'layerwise.export', { format = 'html' })
  end,
  --- Learn durations from the log of a build.
  learn = function(client, bufnr, log)
    local path = vim.fn.fnamemodify(log or '', ':p')
    run(client, bufnr, 'layerwise.learn', { path = path }, function(learnt)
      say(('%d of %d steps of the log are in this file'):format(learnt.matched or 0, learnt.in_log or 0))
    end)
  end,
  --- What runs again if a file changes.
  touch = function(client, bufnr, path)
    run(client, bufnr, 'layerwise.simulate', { paths = { path or '' } }, function(plan)
      local lines = {}
      for _, step in ipairs(plan.steps) do
        if step.state == 'rebuilt' or step.state == 'depends' then
          lines[#lines + 1] = ('%d: %s'):format(step.line, step.instruction)
        end
      end
      say(#lines == 0 and path .. ' changes nothing' or table.concat(lines, '\n'))
    end)
  end,
}

local function command(client, bufnr)
  vim.api.nvim_buf_create_user_command(bufnr, 'Layerwise', function(args)
    local name, rest = args.args:match('^(%S+)%s*(.-)%s*$')
    local found = commands[name]
    if not found then
      return vim.notify('Layerwise: no such command: ' .. args.args, vim.log.levels.ERROR)
    end
    found(client, bufnr, rest ~= '' and rest or nil)
  end, {
    nargs = 1,
    desc = 'Layerwise: baseline, built, build, page, learn, touch',
    complete = function(lead)
      local names = vim.tbl_keys(commands)
      table.sort(names)
      return vim.tbl_filter(function(name)
        return vim.startswith(name, lead)
      end, names)
    end,
  })
end

---@type vim.lsp.Config
return {
  cmd = { 'layerwise', 'lsp' },
  filetypes = { 'dockerfile' },
  root_markers = {
    '.git',
    '.hg',
    '.jj',
    'docker-bake.hcl',
    'compose.yaml',
    'compose.yml',
    'docker-compose.yaml',
    'docker-compose.yml',
    '.dockerignore',
  },
  -- What this file does for the server.
  init_options = { client = { commands = { 'layerwise.build' }, planChanged = true } },
  commands = { ['layerwise.build'] = build },
  handlers = {
    ['layerwise/planChanged'] = function(_, params)
      local bufnr = vim.uri_to_bufnr(params.uri)
      if not vim.api.nvim_buf_is_loaded(bufnr) then
        return
      end
      vim.b[bufnr].layerwise = { summary = params.summary, baseline = params.baseline }
      -- Neovim 0.12 does this by itself.
      if vim.fn.has('nvim-0.12') == 0 and #vim.lsp.codelens.get(bufnr) > 0 then
        vim.lsp.codelens.refresh({ bufnr = bufnr })
      end
      vim.api.nvim_exec_autocmds('User', { pattern = 'LayerwisePlanChanged', data = { buf = bufnr } })
    end,
  },
  on_attach = command,
}

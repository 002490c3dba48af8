// dotnet add package OpenAI
using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;

var url = Environment.GetEnvironmentVariable("ROUTER_URL") ?? "http://127.0.0.1:7071";
var key = Environment.GetEnvironmentVariable("ROUTER_KEY") ?? "local";

var options = new OpenAIClientOptions { Endpoint = new Uri($"{url}/openai/v1") };
options.AddPolicy(new AgentName("cpt_agent"), PipelinePosition.PerCall);
ChatClient chat = new OpenAIClient(new ApiKeyCredential(key), options).GetChatClient("gpt-4.1");

ClientResult<ChatCompletion> answer = await chat.CompleteChatAsync("How tall is the house?");
Console.WriteLine(answer.Value.Content[0].Text);
answer.GetRawResponse().Headers.TryGetValue("x-router-deployment", out var deployment);
Console.WriteLine($"served by {deployment}");

await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync("Tell me a story"))
    foreach (ChatMessageContentPart part in update.ContentUpdate)
        Console.Write(part.Text);
Console.WriteLine();

sealed class AgentName(string name) : PipelinePolicy
{
    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int index)
    {
        message.Request.Headers.Set("x-agent-name", name);
        ProcessNext(message, pipeline, index);
    }

    public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int index)
    {
        message.Request.Headers.Set("x-agent-name", name);
        return ProcessNextAsync(message, pipeline, index);
    }
}

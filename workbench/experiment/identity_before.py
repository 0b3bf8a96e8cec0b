"""Methods whose files were moved or rewritten without a change of what they do keep the identity that they had.

When the rooms were named, every bundled method's file moved and some were rewritten; what they send and answer was
compared call by call and is the same. Runs of before are therefore theirs. As soon as a method is edited, its hash is
no longer the one in this table, and it is asked again. A row is never changed or added to after that day.
"""

from __future__ import annotations

# fmt: off
_PROMPTS = {  # method: hash of its prompts as they are now, and as they were
    "chunk_rag": ("d47c25be6136965b43e58da2a8155cd0", "d726f992724f44f471eb1227d471a324"),
    "como_rag": ("8661ae7c1eee6f15c75f60cecd3b09eb", "87c0e1c96f1bbf6aca7ca2de45f181be"),
    "contextual_retrieval": ("cd464a24a986c239ee9a60bbab500f76", "77b9cc9d78696949628c456a984646ea"),
    "extractive_compression": ("869954f9670821e7af6e06c5a6cdad68", "9d99525ea50082beb68677d008a161e6"),
    "graph_rag": ("1ef566c3c0b9f052216ef4b2c9ee14b4", "f9e60bf0deaacb98963e743d5611b393"),
    "hippo_rag": ("343345c3035df51992944e4ae78c156b", "365f1733d52fbf16f9e9342fd3d5dc3d"),
    "listwise_ranking": ("bd0042d8356eb36d4604d900d315af5e", "d50e07be8a2af423cb27a16e6c41701f"),
    "op_rag": ("5a57aa1c93dc05d5dc943e9bc9671cfd", "1b599ac06ddd9a8eea3e917f58bfe854"),
    "oracle": ("b66b7db845e1a5989acc9051e0f3fd94", "d726f992724f44f471eb1227d471a324"),
    "parent_child": ("b66b7db845e1a5989acc9051e0f3fd94", "d726f992724f44f471eb1227d471a324"),
    "random_chunks": ("b66b7db845e1a5989acc9051e0f3fd94", "d726f992724f44f471eb1227d471a324"),
    "retrieve_then_reason": ("8254e2d5be13f7ba5f7bb0e001b1a8f4", "9dd239edb8df9e0c05dbe2e6285a76f3"),
    "sentence_window": ("5a57aa1c93dc05d5dc943e9bc9671cfd", "1b599ac06ddd9a8eea3e917f58bfe854"),
    "xl3m": ("4da46b52b6baec410759ed624fd792b6", "4d1bc287c9304b77a7f7b4a897143d2c"),
}
_CODE = {  # method: hash of its code as it is now, and as it was
    "chain_of_agents": ("a51d8415c81cfb154069891911967f40", "7414a9e19898ed539eefb3c45f3f8981"),
    "chain_of_agents_hierarchical": ("3b0beb4555204bfbea764b00b4e72458", "ab1dcae3dd6063d60c6167b4827d0b95"),
    "chain_of_agents_merge": ("d190ddcc041b6b712d6fdf594bd9634a", "40f7f343da586f9378a9d1bae263b89f"),
    "chain_of_agents_multi_path": ("f3475ee7233339ed7f9fa9989c406b2b", "8bc88d2d65bb9680accd322d2d757aa7"),
    "chunk_rag": ("90594f97d6c88c277e2d813440b55b41", "4435c887f6a028a188d7350bf34213e7"),
    "closed_book": ("f892524fc11e9c4f33346f8df09bdcbe", "3947ee31bbd82f793fbcd1779009fe3e"),
    "como_rag": ("1833d5a1ae93294179f53432a001e31b", "283bf4b5a3a8c0a66fdc9ef5f70a28d0"),
    "contextual_retrieval": ("20e036a1a56de8aab8198a9fe9b1136b", "462f794ffc039be065307cb1c3ff3c6e"),
    "double_dipper": ("58077f47f198dfb58610a8897e5214f2", "c4e99589357d182ca5a707f7508fbccc"),
    "extractive_compression": ("8a8fa12457a4a6c3207996e2612b5408", "2702ee90851cbe29b4077bb79eaa0aca"),
    "full_context": ("4474009f331eecd4e77b58375525b24e", "e65b2a4894891db18a5bce75f05f6380"),
    "graph_of_records": ("fd83cf8bb2f13513d0b01758a6b19279", "34700be720429514097fc964ed53c035"),
    "graph_rag": ("3c14be6aad8a8e9de586af281e19bf87", "e2b7d0d5945245a363df10382bfbb9c5"),
    "graph_rag_communities": ("d033fbef43e9ecd32d086a9f354914be", "d66465449eb5f75f839ef9d7daec69e0"),
    "graph_reader": ("f2139bdc66d93b5f7b5dd78774f07aa5", "507ed247344595fce8573c91c6ae59b4"),
    "hippo_rag": ("6562522325b18b85d976be1827a9082d", "6961b2c88daf88ad3ad1387bb58357ed"),
    "in_context_retrieval": ("e80088133e1de3a8cec0f92519455854", "9a88351e921dc2824eafbb60a18a2cf7"),
    "lara_rag": ("5b712b8790967e3743b63759d7ea458c", "a9868955430ac3fee96154647f80057d"),
    "light_rag": ("1d9134a14d242849a85480a764df8c38", "11e23c0008443826383d9039ed2de327"),
    "listwise_ranking": ("2eb1d32aba04670ba55d1615c09d7cc3", "faf53267140016713d432747d48307d6"),
    "llm_lingua2": ("1596e12f5f7066f6b230fb20e05d451c", "862be6ec2d9f5348bb23d2ccdaa73bc6"),
    "llm_map_reduce": ("1fb0e08a4fba39465b0195610d4716be", "23b309256cb6db4145d705e7db632e3f"),
    "long_agent": ("44c408832a8fe004b781aba70fa04984", "e7abbbf6259e8834c54aefba546483f4"),
    "long_llm_lingua": ("11d539e2d3b8197ce646b74734b14461", "239833269069000fe4b16ccaf494586b"),
    "long_rag": ("b781838204d940f34f7ddcf644b9e271", "ed3d5f14f7a1ed9470f6ae22f847e032"),
    "long_rag_dual": ("c2a407fbc9019e35509df60c9567e8ab", "f2da7f90d09f160d2187d8eec7acd77e"),
    "map_reduce": ("41a66cc93b140ee22d22f7d23c5d89ce", "3b2e5bb84545999eecfb68a9688972e9"),
    "mem_agent": ("c656f0fabf48ffe404d371704e9f08a8", "0a0d985409d00044de66f79fe99c49f8"),
    "mem_walker": ("38c6d1a176901740e4e344edaa9ff11d", "870d178d47543e645a63b9b6653f3e5d"),
    "op_rag": ("1dff80c2d32b326ee316f622e2a7a394", "8643f6a97bd498f0c4ba264a2a481b76"),
    "oracle": ("1ab3c7da9b592a0e2071fb18ea1e86a0", "cbad5fba74df7615b4eb41102b6a5ffc"),
    "overflow_prevention": ("0dba1311a11ef420ba54f4ff57553981", "50e295bdcf7786836a60b947c8b1ee5b"),
    "parent_child": ("ce1edc68d21cf5f7fdccfca96c6f1d71", "4a9f3c3c1549c8197c0805575dc43782"),
    "prism": ("e6f3ae380b2ab1b21f307951199e76af", "29966581333745d63e6146ef22fd7c88"),
    "random_chunks": ("bbb3b1e373fdb2cd6ef435d821aed633", "acf7e0baf582274238d9662730a6e701"),
    "raptor": ("2497d7db6209d47da15ae999633f8ccc", "1471a1fa37ba7883c8196a2e2f63a342"),
    "recursive_summary": ("800584a73a3f6c5f5740952f56b6fcd6", "8df34320af480840b7b5d380a1cdf3c8"),
    "refine": ("236d00f3996ae2130bae5a13273a9e64", "28ee7fb0e980f70cbb0d6cfd8e18809a"),
    "retrieve_then_reason": ("fa6ebc422d7366c274824f67a403364e", "74ae4c070264292dece7c6d3fc44c5b6"),
    "segment_plus": ("1335678cb938dacdddda44f496d6e7b9", "1ae63250dcab319d550ce8fddd1e3b5a"),
    "self_route": ("7b35dda5e1b4cb16ddb7116f82d310e0", "d72f02e8123d9b90becd049ad77b1967"),
    "semantic_compression": ("fc95533ca648711c3a4442956cc5a8f7", "52a5de607e2b0b003b56037651ef4851"),
    "sentence_window": ("487a95024df1d79c48cfec7853dc55ec", "ea8003e7029a4103ca103274441049a5"),
    "structurise": ("fc38e5bc1aad64394464c3f5c8ce6c70", "442061df23f3ddb34f2a587d50c9aca5"),
    "xl3m": ("27c2d80124ca70d9c94b94ba4290f0b7", "da2f0943bf6f2db4a3000dff8bcafa0a"),
}
# fmt: on


def prompts_before(method: str, found: str) -> str:
    """The hash of a method's prompts that its runs have known, where only their place has changed; else `found`."""
    now, before = _PROMPTS.get(method, (found, found))
    return before if found == now else found


def code_before(method: str, found: str) -> str:
    """The hash of a method's code that its runs have known, where only its file has changed; else `found`."""
    now, before = _CODE.get(method, (found, found))
    return before if found == now else found
